"""An ONNX file with a dense or convolutional network, as a chain of operations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx

from dsqn_fast.errors import DsqnError, ModelFileError, UnsupportedLayerError
from dsqn_fast.importers.onnx_constants import (
    Array,
    constant_result,
    initial_constants,
    title,
)
from dsqn_fast.importers.onnx_nodes import node_operations
from dsqn_fast.importers.operations import Affine, ChannelsToFront, Linear, Operation, SourceNetwork
from dsqn_fast.importers.plain_arrays import MAX_BYTES
from dsqn_fast.model.layers import Shape

FIRST_OPSET = 11
SIZES = ("Shape", "Gather", "Unsqueeze", "Concat", "Slice", "Cast", "Squeeze", "Constant")
"""Nodes that exporters write to compute the shape of a flattening from the batch size."""


def read_onnx(path: Path) -> SourceNetwork:
    """Read a network of one input and one output.

    Args:
        path: The file, opset 11 or later; weights stored beside it are read too.

    Raises:
        ModelFileError: It is damaged, too large, or older.
        UnsupportedLayerError: The graph branches or has a node that cannot be converted.
    """
    model = _load(path)
    opset = max((each.version for each in model.opset_import if not each.domain), default=0)
    if opset < FIRST_OPSET:
        raise ModelFileError(
            f"{path} uses ONNX opset {opset}, and at least {FIRST_OPSET} is needed: export it anew"
        )
    constants = initial_constants(model.graph)
    inputs = [each for each in model.graph.input if each.name not in constants]
    if len(inputs) != 1:
        raise UnsupportedLayerError(
            f"{path} has inputs {[each.name for each in inputs]}: only one input, the "
            "observation, can be converted"
        )
    chain = _Chain(path, constants, inputs[0].name)
    for node in model.graph.node:
        chain.step(node)
    outputs = [each.name for each in model.graph.output]
    if outputs != [chain.current]:
        raise UnsupportedLayerError(
            f"{path} has outputs {outputs}, but its chain of layers ends with {chain.current!r}: "
            "export only the Q-values or logits"
        )
    return SourceNetwork(
        operations=tuple(_merge_biases(chain.operations)),
        input_shape=_stated_shape(inputs[0], chain.operations),
        provenance={"format": "ONNX", "opset": opset, "producer": model.producer_name},
    )


def _load(path: Path) -> onnx.ModelProto:
    if path.stat().st_size > MAX_BYTES:
        raise ModelFileError(f"{path} has {path.stat().st_size} bytes, more than {MAX_BYTES}")
    try:
        model = onnx.load(str(path))
        onnx.checker.check_model(model)
    except Exception as error:  # protobuf, the checker and external data each raise their own
        reason = " ".join(str(error).split())[:160]
        raise ModelFileError(
            f"{path} is not a valid ONNX file ({reason}): export it anew"
        ) from None
    return model


class _Chain:
    """Follows the one value that runs through the graph."""

    def __init__(self, path: Path, constants: dict[str, Array], name: str) -> None:
        self.operations: list[Operation] = []
        self.current = name
        self._path = path
        self._constants = constants
        self._sizes: set[str] = set()

    def step(self, node: onnx.NodeProto) -> None:
        """Take one node; nodes come in an order in which inputs exist."""
        constant = constant_result(node, self._constants)
        if constant is not None:
            self._constants[node.output[0]] = constant
            return
        if self._is_size(node):
            self._sizes.update(node.output)
            return
        values = [
            name
            for name in node.input
            if name and name not in self._constants and name not in self._sizes
        ]
        if values != [self.current]:
            raise UnsupportedLayerError(
                f"{title(node)} in {self._path} takes {values}: branches (dueling heads, skip "
                "connections) cannot be converted, only one chain of layers"
            )
        inputs = [self._constants.get(name) if name else None for name in node.input]
        at = list(node.input).index(self.current)
        try:
            self.operations += node_operations(node, inputs, at)
        except (TypeError, KeyError, IndexError, ValueError) as error:
            if isinstance(error, DsqnError):
                raise
            raise ModelFileError(
                f"{title(node)} in {self._path} has odd attributes or inputs ({error}): export "
                "it anew"
            ) from None
        self.current = node.output[0]

    def _is_size(self, node: onnx.NodeProto) -> bool:
        if node.op_type == "Shape":
            return True
        known = self._sizes | self._constants.keys()
        return (
            node.op_type in SIZES
            and any(name in self._sizes for name in node.input)
            and all(name in known for name in node.input if name)
        )


def _merge_biases(operations: list[Operation]) -> list[Operation]:
    """MatMul and Add of a vector are one dense layer."""
    merged: list[Operation] = []
    for operation in operations:
        last = merged[-1] if merged else None
        if (
            isinstance(operation, Affine)
            and isinstance(last, Linear)
            and last.bias is None
            and operation.scale.size == 1
            and operation.scale.item() == 1
            and operation.shift.shape == last.weight.shape[:1]
        ):
            bias = np.asarray(operation.shift)
            merged[-1] = Linear(name=last.name, weight=last.weight, bias=bias)
        else:
            merged.append(operation)
    return merged


def _stated_shape(value: onnx.ValueInfoProto, operations: list[Operation]) -> Shape | None:
    """(n,) or (channels, height, width), where the graph states it in full."""
    sizes = [dimension.dim_value for dimension in value.type.tensor_type.shape.dim][1:]
    if len(sizes) not in (1, 3) or min(sizes) < 1:
        return None
    if any(isinstance(operation, ChannelsToFront) for operation in operations):
        sizes = [sizes[-1], *sizes[:-1]]
    return tuple(sizes)
