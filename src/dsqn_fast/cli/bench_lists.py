"""Words and numbers with commas between them."""

from __future__ import annotations

from collections.abc import Sequence


def words(options: Sequence[str] | None) -> tuple[str, ...]:
    """All words of repeated options, each of which may hold several with commas between."""
    parts = [part.strip() for option in options or () for part in option.split(",")]
    return tuple(dict.fromkeys(part for part in parts if part))


def numbers(name: str, text: str) -> tuple[int, ...]:
    """Integers with commas between.

    Raises:
        OptionError: One of them is no integer, or there is none.
    """
    from dsqn_fast.errors import OptionError

    try:
        found = tuple(int(part) for part in words([text]))
    except ValueError:
        found = ()
    if not found:
        raise OptionError(f"{name} takes integers such as 1,64, not {text!r}")
    return found
