"""Hyperparameters that check themselves and can be changed by name."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from dsqn_fast.errors import OptionError


@dataclass(frozen=True, kw_only=True)
class CheckedSettings:
    """Base of every group of hyperparameters."""

    def _check_integers(self, *names: str, lowest: int) -> None:
        for name in names:
            check_integer(name, getattr(self, name), lowest)

    def _check_reals(self, *names: str, lowest: float, highest: float) -> None:
        for name in names:
            check_real(name, getattr(self, name), lowest, highest)

    def _check_flags(self, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            if not isinstance(value, bool):
                raise OptionError(f"{name} must be true or false, not {value!r}")

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """A copy with some values given, as text such as ``{"gamma": "0.98"}`` or as they are.

        Raises:
            OptionError: A name does not exist (the nearest is named) or a value is out of range.
        """
        known = {field.name for field in fields(self)}
        values: dict[str, Any] = {}
        for name, value in changes.items():
            if name not in known:
                near = difflib.get_close_matches(str(name)[:64], known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else f"; known: {sorted(known)}"
                raise OptionError(f"there is no setting {str(name)[:64]!r}{hint}")
            values[name] = parse_value(value)
        return replace(self, **values)

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON values."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


def parse_value(value: Any) -> Any:
    """Text as JSON where it is JSON (numbers, true, lists), otherwise the word itself."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return None if value == "none" else value
    return tuple(value) if isinstance(value, list) else value


def as_tuple(name: str, value: object) -> tuple[Any, ...]:
    """Return ``value`` if it is a tuple.

    Raises:
        OptionError: It is not; the message names the setting.
    """
    if not isinstance(value, tuple):
        raise OptionError(f"{name} must be a list of numbers such as [16, 16], not {value!r}")
    return value


def check_integer(name: str, value: object, lowest: int) -> None:
    """Refuse what is not an integer from ``lowest`` to 2**40.

    Raises:
        OptionError: The message names the setting and both values.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value < 2**40:
        raise OptionError(f"{name} must be an integer from {lowest} to 2**40, not {value!r}")


def check_real(name: str, value: object, lowest: float, highest: float) -> None:
    """Refuse what is not a finite number from ``lowest`` to ``highest``.

    Raises:
        OptionError: The message names the setting and both values.
    """
    real = isinstance(value, int | float) and not isinstance(value, bool)
    if not real or not math.isfinite(value) or not lowest <= value <= highest:  # type: ignore[arg-type, operator]
        raise OptionError(f"{name} must be a number from {lowest} to {highest}, not {value!r}")
