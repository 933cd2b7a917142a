"""Layers of torch.nn as operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from dsqn_fast.errors import UnsupportedLayerError
from dsqn_fast.importers.batch_norm import batch_norm
from dsqn_fast.importers.operations import (
    Activation,
    Convolution,
    Flattening,
    Floats,
    Linear,
    Operation,
    Pair,
    Pooling,
)
from dsqn_fast.importers.refusals import (
    OUTPUT_ACTIVATIONS,
    TEACHER_ACTIVATIONS,
    refused_layer,
    refused_setting,
)
from dsqn_fast.importers.tensor_files import tensor_array


def layer_operations(module: nn.Module, name: str) -> list[Operation]:
    """What one layer of torch.nn computes.

    Args:
        module: The layer, whose training mode does not matter.
        name: What it is called in the network.

    Raises:
        UnsupportedLayerError: Its kind or one of its settings cannot be converted.
    """
    kind = type(module).__name__
    title = f"{name} ({kind})" if name else kind
    reader = _READERS.get(type(module))
    if reader is not None:
        return reader(module, title)
    if kind in TEACHER_ACTIVATIONS + OUTPUT_ACTIVATIONS and hasattr(nn, kind):
        return [Activation(name=title, kind=kind, options=_activation_options(module))]
    raise refused_layer(title, kind)


def pair(value: Any, title: str, setting: str) -> Pair:
    """A setting that torch takes as one integer or two.

    Raises:
        UnsupportedLayerError: It is neither, such as padding ``"same"``.
    """
    if isinstance(value, int):
        return value, value
    if isinstance(value, tuple | list) and all(isinstance(each, int) for each in value):
        if len(value) == 1:
            return value[0], value[0]
        if len(value) == 2:
            return value[0], value[1]
    raise refused_setting(title, setting, value, "one or two integers")


def average_pooling(
    title: str,
    *,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Pooling:
    """``F.avg_pool2d`` with its own arguments.

    Raises:
        UnsupportedLayerError: A setting cannot be converted.
    """
    if pair(padding, title, "padding") != (0, 0):
        raise refused_setting(title, "padding", padding, 0)
    if ceil_mode:
        raise refused_setting(title, "ceil_mode", ceil_mode, False)
    if divisor_override is not None:
        raise refused_setting(title, "divisor_override", divisor_override, None)
    kernel = pair(kernel_size, title, "kernel_size")
    return Pooling(name=title, maximum=False, kernel=kernel, stride=_stride(stride, kernel, title))


def max_pooling(
    title: str,
    *,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Pooling:
    """``F.max_pool2d`` with its own arguments.

    Raises:
        UnsupportedLayerError: A setting cannot be converted.
    """
    if pair(dilation, title, "dilation") != (1, 1):
        raise refused_setting(title, "dilation", dilation, 1)
    if ceil_mode:
        raise refused_setting(title, "ceil_mode", ceil_mode, False)
    if return_indices:
        raise refused_setting(title, "return_indices", return_indices, False)
    kernel = pair(kernel_size, title, "kernel_size")
    return Pooling(
        name=title,
        maximum=True,
        kernel=kernel,
        stride=_stride(stride, kernel, title),
        padding=pair(padding, title, "padding"),
    )


def _stride(stride: Any, kernel: Pair, title: str) -> Pair:
    return kernel if stride is None or stride == [] else pair(stride, title, "stride")


def _activation_options(module: nn.Module) -> Mapping[str, Any]:
    if isinstance(module, nn.ReLU6):
        return {}
    names = [name for name in getattr(module, "__constants__", ()) if name != "inplace"]
    return {name: getattr(module, name) for name in names}


def _array(tensor: torch.Tensor | None, title: str) -> Floats | None:
    return None if tensor is None else tensor_array(tensor, title)


def _nothing(module: Any, title: str) -> list[Operation]:
    return []


def _linear(module: Any, title: str) -> list[Operation]:
    bias = _array(module.bias, f"{title} bias")
    return [Linear(name=title, weight=tensor_array(module.weight, f"{title} weight"), bias=bias)]


def _convolution(module: Any, title: str) -> list[Operation]:
    if module.groups != 1:
        raise refused_setting(title, "groups", module.groups, 1)
    if pair(module.dilation, title, "dilation") != (1, 1):
        raise refused_setting(title, "dilation", module.dilation, 1)
    if module.padding_mode != "zeros":
        raise refused_setting(title, "padding_mode", module.padding_mode, "zeros")
    padding = (0, 0) if module.padding == "valid" else pair(module.padding, title, "padding")
    return [
        Convolution(
            name=title,
            weight=tensor_array(module.weight, f"{title} weight"),
            bias=_array(module.bias, f"{title} bias"),
            stride=pair(module.stride, title, "stride"),
            padding=padding,
        )
    ]


def _batch_norm(module: Any, title: str) -> list[Operation]:
    if module.running_mean is None or module.running_var is None:
        raise refused_setting(title, "track_running_stats", False, True)
    return [
        batch_norm(
            title,
            mean=tensor_array(module.running_mean, f"{title} running_mean"),
            variance=tensor_array(module.running_var, f"{title} running_var"),
            epsilon=module.eps,
            weight=_array(module.weight, f"{title} weight"),
            bias=_array(module.bias, f"{title} bias"),
        )
    ]


def _flatten(module: Any, title: str) -> list[Operation]:
    if module.start_dim != 1:
        raise refused_setting(title, "start_dim", module.start_dim, 1)
    if module.end_dim not in (-1, 3):
        raise refused_setting(title, "end_dim", module.end_dim, -1)
    return [Flattening(name=title)]


def _average(module: Any, title: str) -> list[Operation]:
    names = ("kernel_size", "stride", "padding", "ceil_mode", "divisor_override")
    return [average_pooling(title, **{name: getattr(module, name) for name in names})]


def _maximum(module: Any, title: str) -> list[Operation]:
    names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
    return [max_pooling(title, **{name: getattr(module, name) for name in names})]


def global_average(title: str, output_size: Any) -> Pooling:
    """``F.adaptive_avg_pool2d`` to one value per channel.

    Raises:
        UnsupportedLayerError: To more than one.
    """
    if output_size not in (1, (1, 1), [1, 1]):
        raise refused_setting(title, "output_size", output_size, 1)
    return Pooling(name=title, maximum=False, kernel=None)


def _adaptive(module: Any, title: str) -> list[Operation]:
    return [global_average(title, module.output_size)]


def _refuse_lazy(module: Any, title: str) -> list[Operation]:
    raise UnsupportedLayerError(
        f"{title} has no weights yet: run the network on one observation first"
    )


_READERS: Mapping[type[nn.Module], Callable[[Any, str], list[Operation]]] = {
    nn.Linear: _linear,
    nn.Conv2d: _convolution,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.Flatten: _flatten,
    nn.AvgPool2d: _average,
    nn.MaxPool2d: _maximum,
    nn.AdaptiveAvgPool2d: _adaptive,
    nn.LazyLinear: _refuse_lazy,
    nn.LazyConv2d: _refuse_lazy,
    nn.Identity: _nothing,
    nn.Dropout: _nothing,
    nn.Dropout1d: _nothing,
    nn.Dropout2d: _nothing,
}
