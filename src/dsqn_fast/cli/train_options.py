"""Hyperparameters as words on the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(kw_only=True)
class Request:
    """What a command line and its config file ask of a training.

    Attributes:
        preset: Named hyperparameters; None for the default.
        n_steps: Time steps T; None for the default.
        changes: Settings that differ from the preset.
    """

    preset: str | None
    n_steps: int | None
    changes: dict[str, Any] = field(default_factory=dict)

    def options(self, *, convert: bool) -> dict[str, Any]:
        """Keyword arguments of a training method: those that were given."""
        chosen: dict[str, Any] = {"changes": self.changes}
        if self.preset is not None:
            chosen["preset"] = self.preset
        if not convert:
            chosen["n_steps"] = None
        elif self.n_steps is not None:
            chosen["n_steps"] = self.n_steps
        return chosen


def parse_request(
    config: Path | None,
    words: Sequence[str],
    *,
    preset: str | None,
    n_steps: int | None,
    short: Mapping[str, Any],
) -> Request:
    """Put a config file and the words of a command together; the words win.

    Args:
        config: YAML file; None for none.
        words: ``name=value`` words.
        preset: As on the command line; None where it was not given.
        n_steps: As on the command line; None where it was not given.
        short: Values of settings that have an option of their own; None where not given.

    Raises:
        OptionError: The file cannot be read, a word has another form, or a name is given twice.
    """
    values: dict[str, Any] = {}
    if config is not None:
        from dsqn_fast.training.config_file import read_config

        values = read_config(config)
    found_preset, found_steps = values.pop("preset", None), values.pop("n_steps", None)
    return Request(
        preset=found_preset if preset is None else preset,
        n_steps=found_steps if n_steps is None else n_steps,
        changes={**values, **parse_settings(words, short)},
    )


def parse_settings(words: Sequence[str], short: Mapping[str, Any]) -> dict[str, str]:
    """Names and values of ``name=value`` words and of options that stand for a setting.

    Raises:
        OptionError: A word has another form, or a name is given twice.
    """
    from dsqn_fast.errors import OptionError

    changes = {name: str(value) for name, value in short.items() if value is not None}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise OptionError(f"--set takes NAME=VALUE, such as gamma=0.98, not {word!r}")
        if name in changes:
            raise OptionError(
                f"the setting {name!r} is given twice, as {changes[name]} and {value}"
            )
        changes[name] = value
    return changes
