"""Nodes of an ONNX graph as operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx

from dsqn_fast.errors import UnsupportedLayerError
from dsqn_fast.importers.batch_norm import batch_norm
from dsqn_fast.importers.onnx_constants import Array, attributes, title
from dsqn_fast.importers.onnx_pooling import (
    Inputs,
    average_pool,
    global_average_pool,
    maximum_pool,
    padding_of,
    reduce_mean,
    strides,
)
from dsqn_fast.importers.operations import (
    Activation,
    Affine,
    ChannelsToFront,
    Convolution,
    Flattening,
    Floats,
    Linear,
    Operation,
)
from dsqn_fast.importers.refusals import refused_layer, refused_setting


def node_operations(node: onnx.NodeProto, inputs: Inputs, at: int) -> list[Operation]:
    """What one node computes.

    Args:
        node: The node.
        inputs: Its inputs where they are constants, else None.
        at: Which of them is the value that runs through the network.

    Raises:
        UnsupportedLayerError: Its kind or one of its attributes cannot be converted.
    """
    name, kind = title(node), node.op_type
    if node.domain not in ("", "ai.onnx"):
        raise refused_layer(name, f"{node.domain}.{kind}")
    if kind in _ACTIVATIONS:
        return [Activation(name=name, kind=_ACTIVATIONS[kind], options=_slopes(node))]
    reader = _READERS.get(kind)
    if reader is None:
        raise refused_layer(name, kind)
    if at != 0 and kind not in ("Add", "Mul", "Sub", "Div"):
        raise UnsupportedLayerError(
            f"{name} has the observation as its input {at + 1}, where weights are expected: "
            "export it with weights there"
        )
    return reader(name, inputs, attributes(node), at)


def _slopes(node: onnx.NodeProto) -> Mapping[str, Any]:
    """Settings of an activation whose ONNX default differs from torch's."""
    options = attributes(node)
    if node.op_type == "LeakyRelu":
        return {"negative_slope": options.get("alpha", 0.01)}
    if node.op_type == "Elu":
        return {"alpha": options.get("alpha", 1.0)}
    if node.op_type in ("Softmax", "LogSoftmax") and options.get("axis", -1) not in (1, -1):
        raise refused_setting(title(node), "axis", options["axis"], -1)
    return {}


def _floats(name: str, array: Array | None, what: str) -> Floats:
    if array is None:
        raise UnsupportedLayerError(
            f"{name} has a {what} that is no constant: export the network with constant weights"
        )
    if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise UnsupportedLayerError(
            f"{name} has a {what} of {array.dtype} that is no finite number"
        )
    return array.astype(np.float64 if array.dtype == np.float64 else np.float32)


def _optional(name: str, inputs: Inputs, index: int, what: str) -> Floats | None:
    return _floats(name, inputs[index], what) if len(inputs) > index else None


def _gemm(name: str, inputs: Inputs, options: dict[str, Any], at: int) -> list[Operation]:
    if options.get("transA", 0):
        raise refused_setting(name, "transA", 1, 0)
    weight = _floats(name, inputs[1], "weight")
    if not options.get("transB", 0):
        weight = weight.T
    bias = _optional(name, inputs, 2, "bias")
    if bias is not None:
        bias = np.broadcast_to(bias.reshape(-1), weight.shape[:1])
        bias = bias * np.asarray(options.get("beta", 1.0), bias.dtype)
    weight = weight * np.asarray(options.get("alpha", 1.0), weight.dtype)
    return [Linear(name=name, weight=weight, bias=bias)]


def _matmul(name: str, inputs: Inputs, options: dict[str, Any], at: int) -> list[Operation]:
    weight = _floats(name, inputs[1], "weight")
    if weight.ndim != 2:
        raise refused_setting(name, "weight shape", weight.shape, "(n_in, n_out)")
    return [Linear(name=name, weight=weight.T)]


def _conv(name: str, inputs: Inputs, options: dict[str, Any], at: int) -> list[Operation]:
    weight = _floats(name, inputs[1], "weight")
    if weight.ndim != 4:
        raise refused_setting(name, "kernel dimensions", weight.ndim - 2, 2)
    if options.get("group", 1) != 1:
        raise refused_setting(name, "group", options["group"], 1)
    return [
        Convolution(
            name=name,
            weight=weight,
            bias=_optional(name, inputs, 2, "bias"),
            stride=strides(options, (1, 1)),
            padding=padding_of(name, options),
        )
    ]


def _batch_norm(name: str, inputs: Inputs, options: dict[str, Any], at: int) -> list[Operation]:
    weight, bias, mean, variance = (
        _floats(name, inputs[index], "statistic") for index in (1, 2, 3, 4)
    )
    if options.get("training_mode", 0):
        raise refused_setting(name, "training_mode", 1, 0)
    epsilon = options.get("epsilon", 1e-5)
    return [
        batch_norm(name, mean=mean, variance=variance, epsilon=epsilon, weight=weight, bias=bias)
    ]


def _flatten(name: str, inputs: Inputs, options: dict[str, Any], at: int) -> list[Operation]:
    if options.get("axis", 1) != 1:
        raise refused_setting(name, "axis", options["axis"], 1)
    return [Flattening(name=name)]


def _reshape(name: str, inputs: Inputs, options: dict[str, Any], at: int) -> list[Operation]:
    shape = inputs[1]
    if shape is None:  # computed from the batch size, which only a flattening needs
        return [Flattening(name=name)]
    if shape.shape != (2,):
        raise refused_setting(name, "shape", shape.tolist(), "(batch, -1)")
    size = int(shape[1])
    return [Flattening(name=name, size=size if size > 0 else None)]


def _transpose(name: str, inputs: Inputs, options: dict[str, Any], at: int) -> list[Operation]:
    if list(options.get("perm", ())) != [0, 3, 1, 2]:
        raise refused_setting(name, "perm", list(options.get("perm", ())), [0, 3, 1, 2])
    return [ChannelsToFront(name=name)]


def _arithmetic(kind: str) -> Callable[..., list[Operation]]:
    def read(name: str, inputs: Inputs, options: dict[str, Any], at: int) -> list[Operation]:
        constant = _floats(name, inputs[1 - at], "operand")
        if constant.ndim in (2, 4) and len(constant) == 1:
            constant = constant[0]
        one, zero = np.ones(()), np.zeros(())
        if kind == "Div" and (at == 1 or (constant == 0).any()):
            raise refused_layer(name, "reciprocal")
        scale, shift = {
            "Add": (one, constant),
            "Mul": (constant, zero),
            "Div": (1 / constant.astype(np.float64) if kind == "Div" else one, zero),
            "Sub": (one, -constant) if at == 0 else (-one, constant),
        }[kind]
        return [Affine(name=name, scale=scale, shift=shift)]

    return read


def _nothing(name: str, inputs: Inputs, options: dict[str, Any], at: int) -> list[Operation]:
    return []


def _cast(name: str, inputs: Inputs, options: dict[str, Any], at: int) -> list[Operation]:
    wanted = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE)
    if options["to"] not in wanted:
        raise refused_setting(name, "to", onnx.TensorProto.DataType.Name(options["to"]), "FLOAT")
    return []


_ACTIVATIONS = {
    "Relu": "ReLU",
    "Tanh": "Tanh",
    "Sigmoid": "Sigmoid",
    "LeakyRelu": "LeakyReLU",
    "Elu": "ELU",
    "Softplus": "Softplus",
    "Softsign": "Softsign",
    "Softmax": "Softmax",
    "LogSoftmax": "LogSoftmax",
}
_READERS: Mapping[str, Callable[..., list[Operation]]] = {
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Conv": _conv,
    "AveragePool": average_pool,
    "MaxPool": maximum_pool,
    "GlobalAveragePool": global_average_pool,
    "ReduceMean": reduce_mean,
    "BatchNormalization": _batch_norm,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Add": _arithmetic("Add"),
    "Mul": _arithmetic("Mul"),
    "Sub": _arithmetic("Sub"),
    "Div": _arithmetic("Div"),
    "Identity": _nothing,
    "Dropout": _nothing,
    "Cast": _cast,
}
