"""Functions and tensor methods in a traced forward pass as operations."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch

from dsqn_fast.importers.operations import (
    Activation,
    ChannelsToFront,
    Flattening,
    Linear,
    Operation,
)
from dsqn_fast.importers.refusals import refused_layer, refused_setting
from dsqn_fast.importers.torch_arithmetic import OPERATORS, arithmetic, constant_operand
from dsqn_fast.importers.torch_call import Call
from dsqn_fast.importers.torch_layers import average_pooling, global_average, max_pooling


def call_operations(call: Call) -> list[Operation]:
    """What one call computes.

    Raises:
        UnsupportedLayerError: The function or one of its settings cannot be converted.
    """
    if call.function in _IGNORED:
        return []
    reader = _READERS.get(call.function)
    if reader is None:
        raise refused_layer(call.title, call.function)
    return reader(call)


def _bound(call: Call, signature: Callable[..., None]) -> dict[str, Any]:
    try:
        bound = inspect.signature(signature).bind(*call.arguments, **call.keywords)
    except TypeError:
        found = list(call.keywords)
        raise refused_setting(call.title, "arguments", found, "torch's own") from None
    bound.apply_defaults()
    return dict(list(bound.arguments.items())[1:])


def _activation(call: Call) -> list[Operation]:
    settings = {key: value for key, value in call.keywords.items() if key != "inplace"}
    extra = [value for value in call.arguments[1:] if not isinstance(value, bool)]
    if call.function in ("softmax", "log_softmax"):
        dims = [*extra, *(settings[key] for key in settings if key == "dim")]
        if dims not in ([1], [-1]):
            raise refused_setting(call.title, "dim", dims, -1)
    elif settings or extra:
        raise refused_setting(call.title, "arguments", [*extra, *settings], "torch's defaults")
    return [Activation(name=call.title, kind=_ACTIVATIONS[call.function])]


def _dropout(call: Call) -> list[Operation]:
    def signature(
        input: Any, p: float = 0.5, training: bool = True, inplace: bool = False
    ) -> None: ...

    if _bound(call, signature)["training"]:
        raise refused_setting(call.title, "training", True, "self.training")
    return []


def _convert(call: Call) -> list[Operation]:
    """``x.to(device)``, ``x.to(torch.float32)``: not to integers, which would round."""
    for value in (*call.arguments[1:], *call.keywords.values()):
        if isinstance(value, torch.dtype) and not value.is_floating_point:
            raise refused_setting(call.title, "dtype", value, torch.float32)
    return []


def _average(call: Call) -> list[Operation]:
    def signature(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: Any = None,
    ) -> None: ...

    return [average_pooling(call.title, **_bound(call, signature))]


def _maximum(call: Call) -> list[Operation]:
    def signature(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> None: ...

    return [max_pooling(call.title, **_bound(call, signature))]


def _adaptive(call: Call) -> list[Operation]:
    def signature(input: Any, output_size: Any) -> None: ...

    return [global_average(call.title, _bound(call, signature)["output_size"])]


def _mean(call: Call) -> list[Operation]:
    def signature(input: Any, dim: Any = None, keepdim: bool = False) -> None: ...

    settings = _bound(call, signature)
    if settings["dim"] not in ((2, 3), [2, 3], (-2, -1), [-2, -1], (-1, -2), [-1, -2]):
        raise refused_setting(call.title, "dim", settings["dim"], (2, 3))
    pooled: list[Operation] = [global_average(call.title, 1)]
    return pooled if settings["keepdim"] else [*pooled, Flattening(name=call.title)]


def _flatten(call: Call) -> list[Operation]:
    def signature(input: Any, start_dim: int = 0, end_dim: int = -1) -> None: ...

    settings = _bound(call, signature)
    for setting, wanted in (("start_dim", (1, -3)), ("end_dim", (-1, 3))):
        if settings[setting] not in wanted:
            raise refused_setting(call.title, setting, settings[setting], wanted[0])
    return [Flattening(name=call.title)]


def _reshape(call: Call) -> list[Operation]:
    """``x.view(B, -1)``, ``x.view(-1, n)``, ``x.reshape(x.size(0), n)``."""
    shape = call.arguments[1:] or tuple(call.keywords.values())
    if len(shape) == 1 and isinstance(shape[0], tuple | list):
        shape = tuple(shape[0])
    if len(shape) != 2:
        raise refused_setting(call.title, "shape", len(shape), "(batch, -1)")
    batch, size = shape
    if batch is not Call.SIZE and not isinstance(batch, int):
        raise refused_setting(call.title, "shape", batch, "(batch, -1)")
    return [Flattening(name=call.title, size=size if isinstance(size, int) and size > 0 else None)]


def _permute(call: Call) -> list[Operation]:
    axes = call.arguments[1:] or tuple(call.keywords.values())
    if len(axes) == 1 and isinstance(axes[0], tuple | list):
        axes = tuple(axes[0])
    if axes not in ((0, 3, 1, 2), (0, -1, 1, 2)):
        raise refused_setting(call.title, "dims", axes, (0, 3, 1, 2))
    return [ChannelsToFront(name=call.title)]


def _linear(call: Call) -> list[Operation]:
    def signature(input: Any, weight: Any, bias: Any = None) -> None: ...

    settings = _bound(call, signature)
    bias = settings["bias"]
    return [
        Linear(
            name=call.title,
            weight=constant_operand(call, settings["weight"]),
            bias=None if bias is None else constant_operand(call, bias),
        )
    ]


_IGNORED = frozenset({"contiguous", "float", "double", "clone", "detach", "cpu", "cuda"})
_ACTIVATIONS = {
    "relu": "ReLU",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "elu": "ELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "selu": "SELU",
    "softmax": "Softmax",
    "log_softmax": "LogSoftmax",
}
_READERS: Mapping[str, Callable[[Call], list[Operation]]] = {
    **dict.fromkeys(_ACTIVATIONS, _activation),
    "dropout": _dropout,
    "dropout2d": _dropout,
    "to": _convert,
    "type": _convert,
    "avg_pool2d": _average,
    "max_pool2d": _maximum,
    "adaptive_avg_pool2d": _adaptive,
    "mean": _mean,
    "flatten": _flatten,
    "view": _reshape,
    "reshape": _reshape,
    "permute": _permute,
    "linear": _linear,
    **dict.fromkeys(OPERATORS, arithmetic),
}
