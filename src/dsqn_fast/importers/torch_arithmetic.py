"""Arithmetic with constants in a traced forward pass: scaling and shifting."""

from __future__ import annotations

from typing import Any

import numpy as np

from dsqn_fast.errors import UnsupportedLayerError
from dsqn_fast.importers.operations import Affine, Floats, Operation
from dsqn_fast.importers.refusals import refused_layer, refused_setting
from dsqn_fast.importers.torch_call import Call

OPERATORS = {
    "truediv": "truediv",
    "div": "truediv",
    "divide": "truediv",
    "mul": "mul",
    "multiply": "mul",
    "add": "add",
    "sub": "sub",
    "subtract": "sub",
}
"""Names of functions and methods, and the operator that each is."""


def arithmetic(call: Call) -> list[Operation]:
    """A sum, difference, product or quotient of the value and a constant.

    Raises:
        UnsupportedLayerError: The other operand is no constant, or the value is a divisor.
    """
    if set(call.keywords) - {"other"} or len(call.arguments) + len(call.keywords) != 2:
        raise refused_setting(call.title, "arguments", list(call.keywords), "x and a constant")
    left, right = (*call.arguments, *call.keywords.values())
    kind = OPERATORS[call.function]
    constant = constant_operand(call, right if left is Call.VALUE else left)
    if left is not Call.VALUE and kind == "truediv":
        raise refused_layer(call.title, "reciprocal")
    scale: Floats = np.ones(())
    shift: Floats = np.zeros(())
    if kind == "truediv":
        scale = 1 / constant.astype(np.float64)
    elif kind == "mul":
        scale = constant
    elif kind == "add":
        shift = constant
    elif left is Call.VALUE:
        shift = -constant
    else:
        scale, shift = -scale, constant
    return [Affine(name=call.title, scale=scale, shift=shift)]


def constant_operand(call: Call, value: Any) -> Floats:
    """A constant without its batch axis; a batch of one is what torch broadcasts.

    Raises:
        UnsupportedLayerError: It is no finite number, or a divisor of 0.
    """
    if not isinstance(value, int | float | np.ndarray | np.generic) or isinstance(value, bool):
        raise UnsupportedLayerError(
            f"{call.title} has an operand that is no constant number: only scaling and shifting "
            "by constants can be converted"
        )
    array = np.asarray(value, np.float64) if np.ndim(value) == 0 else np.asarray(value)
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float32)
    if not np.isfinite(array).all() or ("div" in call.function and (array == 0).any()):
        raise UnsupportedLayerError(f"{call.title} has an operand that is 0, NaN or infinite")
    return array[0] if array.ndim in (2, 4) and len(array) == 1 else array
