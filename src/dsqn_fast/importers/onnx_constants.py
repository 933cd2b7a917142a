"""Constants of an ONNX graph: initialisers and the few nodes that only rearrange them."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from dsqn_fast.errors import ModelFileError

Array = NDArray[Any]


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """A node's attributes as Python values; text as str."""
    values = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
    return {
        name: value.decode("utf8", "replace") if isinstance(value, bytes) else value
        for name, value in values.items()
    }


def title(node: onnx.NodeProto) -> str:
    """What to call a node in messages: ``/fc1/Gemm (Gemm)``."""
    name = node.name or (node.output[0] if node.output else "")
    return f"{name} ({node.op_type})"


def initial_constants(graph: onnx.GraphProto) -> dict[str, Array]:
    """The initialisers by name.

    Raises:
        ModelFileError: One is damaged.
    """
    constants = {}
    for tensor in graph.initializer:
        try:
            constants[tensor.name] = numpy_helper.to_array(tensor)
        except Exception as error:  # onnx raises whatever NumPy or protobuf does
            raise ModelFileError(
                f"the tensor {tensor.name!r} of the ONNX file is damaged ({error})"
            ) from None
    return constants


def constant_result(node: onnx.NodeProto, constants: dict[str, Array]) -> Array | None:
    """What a node gives, if all its inputs are constants and it only rearranges them.

    Raises:
        ModelFileError: Its inputs do not fit it.
    """
    options = attributes(node)
    if node.op_type == "Constant":
        return _constant_node(node, options)
    if not node.input or any(name and name not in constants for name in node.input):
        return None
    inputs = [constants[name] for name in node.input if name]
    try:
        return _rearranged(node.op_type, inputs, options)
    except Exception as error:
        raise ModelFileError(f"{title(node)} does not fit its constant inputs ({error})") from None


def _constant_node(node: onnx.NodeProto, options: dict[str, Any]) -> Array:
    if "value" in options:
        return numpy_helper.to_array(options["value"])
    for name in ("value_float", "value_floats", "value_int", "value_ints"):
        if name in options:
            return np.asarray(options[name], np.float32 if "float" in name else np.int64)
    raise ModelFileError(f"{title(node)} is not a number: only numbers are read")


def _rearranged(kind: str, inputs: list[Array], options: dict[str, Any]) -> Array | None:
    first = inputs[0]
    if kind in ("Identity", "Dropout"):
        return first
    if kind == "Transpose":
        return first.transpose(options.get("perm"))
    if kind == "Reshape":
        return first.reshape([int(n) for n in inputs[1]])
    if kind == "Cast":
        return first.astype(onnx.helper.tensor_dtype_to_np_dtype(options["to"]))
    if kind == "Unsqueeze":
        axes = options["axes"] if "axes" in options else inputs[1]
        return np.expand_dims(first, tuple(int(axis) for axis in np.ravel(axes)))
    if kind == "Squeeze":
        return np.squeeze(first)
    if kind == "Concat":
        return np.concatenate(inputs, axis=options["axis"])
    return None
