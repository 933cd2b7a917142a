"""Hyperparameters as words on the command line."""

from __future__ import annotations

from collections.abc import Sequence


def parse_settings(words: Sequence[str], steps: int | None) -> dict[str, str]:
    """Names and values of ``name=value`` words; ``steps`` is the setting ``total_steps``.

    Raises:
        OptionError: A word has another form, or a name is given twice.
    """
    from dsqn_fast.errors import OptionError

    changes: dict[str, str] = {} if steps is None else {"total_steps": str(steps)}
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
