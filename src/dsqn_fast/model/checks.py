"""Checks of single values: each returns the value in its plain Python form or refuses it."""

from __future__ import annotations

import math
import operator
import reprlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from dsqn_fast.errors import ModelError

MAX_DEPTH: Final = 32
"""Deepest nesting of provenance and preprocessing."""
MAX_INTEGER_BITS: Final = 256
"""Largest integer in provenance and preprocessing: seeds have 128 bits."""
MAX_LAYER_SIZE: Final = 2**26
"""Most values of one layer; also the largest dimension, stride or padding."""


class _Short(reprlib.Repr):
    """Short text of any value; Python refuses to print integers of thousands of digits."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 60

    def repr_int(self, x: int, level: int) -> str:
        if x.bit_length() > MAX_INTEGER_BITS:
            return f"an integer of {x.bit_length()} bits"
        return super().repr_int(x, level)


_SHORT: Final = _Short()


def shown(value: object) -> str:
    """Return ``value`` as it appears in a message: short and on one line."""
    return " ".join(_SHORT.repr(value).split())


def check_flag(name: str, value: object) -> bool:
    """Return ``value`` as a bool.

    Raises:
        ModelError: It is not True or False.
    """
    if not isinstance(value, bool | np.bool_):
        raise ModelError(f"{name} must be True or False, not {shown(value)}")
    return bool(value)


def check_integer(name: str, value: object, lowest: int, highest: int) -> int:
    """Return ``value`` as an int from ``lowest`` to ``highest``.

    Raises:
        ModelError: It is not an integer or lies outside.
    """
    if not isinstance(value, int | np.integer) or isinstance(value, bool):
        raise ModelError(f"{name} must be an integer, not {shown(value)}")
    number = operator.index(value)
    if not lowest <= number <= highest:
        raise ModelError(f"{name} must be from {lowest} to {highest}, not {shown(number)}")
    return number


def check_real(name: str, value: object) -> float:
    """Return ``value`` as a finite float.

    Raises:
        ModelError: It is not a real number, or not finite.
    """
    if not isinstance(value, int | float | np.integer | np.floating) or isinstance(value, bool):
        raise ModelError(f"{name} must be a number, not {shown(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ModelError(f"{name} must be finite, not {shown(value)}")
    return number


def check_integers(name: str, value: object, lowest: int) -> tuple[int, ...]:
    """Return a tuple or list of integers of at least ``lowest`` as a tuple of ints.

    Raises:
        ModelError: It is no tuple or list, or one of its items is no such integer.
    """
    if not isinstance(value, tuple | list):
        raise ModelError(f"{name} must be a tuple of integers, not {shown(value)}")
    return tuple(check_integer(f"{name} {shown(value)}", v, lowest, MAX_LAYER_SIZE) for v in value)


def check_input_shape(value: object) -> tuple[int, ...]:
    """Return the shape of one observation as a tuple of ints.

    Raises:
        ModelError: It is neither (n,) nor (height, width, channels).
    """
    shape = check_integers("input_shape", value, 0)
    if len(shape) not in (1, 3):
        raise ModelError(f"input_shape must be (n,) or (height, width, channels), not {shape}")
    return shape


def check_env_id(value: object) -> str | None:
    """Return the name of an environment, or None.

    Raises:
        ModelError: It is not printable text.
    """
    if value is None:
        return None
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ModelError(f"env_id must be printable text or None, not {shown(value)}")
    return value


def check_json_mapping(name: str, value: object) -> dict[str, Any]:
    """Return a deep copy of a mapping of JSON values; tuples become lists.

    NumPy numbers become Python numbers, so that what is saved is what is loaded.

    Raises:
        ModelError: It is no mapping, or holds something that JSON cannot express.
    """
    if not isinstance(value, Mapping):
        raise ModelError(f"{name} must be a mapping of JSON values, not {shown(value)}")
    copy = _json_copy(name, value, MAX_DEPTH)
    assert isinstance(copy, dict)
    return copy


def _json_copy(name: str, value: object, depth: int) -> Any:
    if depth == 0:
        raise ModelError(f"{name} is nested more than {MAX_DEPTH} deep")
    if isinstance(value, Mapping):
        return {
            _json_text(f"a key of {name}", key): _json_copy(f"{name}[{key!r}]", item, depth - 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_json_copy(f"{name}[{i}]", item, depth - 1) for i, item in enumerate(value)]
    if value is None or isinstance(value, bool | np.bool_):
        return None if value is None else bool(value)
    if isinstance(value, int | np.integer):
        highest = 2**MAX_INTEGER_BITS - 1
        return check_integer(name, value, -highest, highest)
    if isinstance(value, float | np.floating):
        return check_real(name, value)
    return _json_text(name, value)


def _json_text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ModelError(f"{name} must be a JSON value, not {shown(value)}")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise ModelError(f"{name} must be text that UTF-8 can express, not {shown(value)}")
    return str.__str__(value)
