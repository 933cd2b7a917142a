"""Pooling nodes of an ONNX graph, and the window attributes they share with convolutions."""

from __future__ import annotations

from typing import Any

from dsqn_fast.importers.onnx_constants import Array
from dsqn_fast.importers.operations import Flattening, Operation, Pair, Pooling
from dsqn_fast.importers.refusals import refused_setting

Inputs = list[Array | None]


def strides(options: dict[str, Any], default: Pair) -> Pair:
    """Vertical and horizontal step."""
    rows, columns = options.get("strides", default)
    return int(rows), int(columns)


def padding_of(name: str, options: dict[str, Any]) -> Pair:
    """Rows and columns added on either side.

    Raises:
        UnsupportedLayerError: They differ, or an attribute beside them cannot be converted.
    """
    if options.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise refused_setting(name, "auto_pad", options["auto_pad"], "NOTSET")
    if set(options.get("dilations", (1, 1))) != {1}:
        raise refused_setting(name, "dilations", list(options["dilations"]), [1, 1])
    if options.get("ceil_mode", 0):
        raise refused_setting(name, "ceil_mode", 1, 0)
    top, left, bottom, right = options.get("pads", (0, 0, 0, 0))
    if (top, left) != (bottom, right):
        raise refused_setting(name, "pads", [top, left, bottom, right], "equal on both sides")
    return int(top), int(left)


def _pool(name: str, options: dict[str, Any], maximum: bool) -> list[Operation]:
    rows, columns = options["kernel_shape"]
    padding = padding_of(name, options)
    if padding != (0, 0) and not maximum:
        raise refused_setting(name, "pads", padding, 0)
    stride = strides(options, (1, 1))
    kernel = (int(rows), int(columns))
    return [Pooling(name=name, maximum=maximum, kernel=kernel, stride=stride, padding=padding)]


def average_pool(name: str, inputs: Inputs, options: dict[str, Any], at: int) -> list[Operation]:
    """``AveragePool`` without padding."""
    return _pool(name, options, maximum=False)


def maximum_pool(name: str, inputs: Inputs, options: dict[str, Any], at: int) -> list[Operation]:
    """``MaxPool``."""
    return _pool(name, options, maximum=True)


def global_average_pool(
    name: str, inputs: Inputs, options: dict[str, Any], at: int
) -> list[Operation]:
    """``GlobalAveragePool``."""
    return [Pooling(name=name, maximum=False, kernel=None)]


def reduce_mean(name: str, inputs: Inputs, options: dict[str, Any], at: int) -> list[Operation]:
    """``ReduceMean`` over height and width."""
    axes = options.get("axes", inputs[1] if len(inputs) > 1 else None)
    found = [] if axes is None else sorted(int(axis) % 4 for axis in axes)
    if found != [2, 3]:
        raise refused_setting(name, "axes", found, [2, 3])
    pooled: list[Operation] = [Pooling(name=name, maximum=False, kernel=None)]
    return pooled if options.get("keepdims", 1) else [*pooled, Flattening(name=name)]
