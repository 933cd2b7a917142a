"""What the command line says about a source network that its file does not."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final

import typer

SourceOptionsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--source-option",
        metavar="NAME=VALUE",
        help="What the source's file does not say: input_shape=4,84,84, channels_first=true, "
        "preprocessing=mnih, activation=ReLU, input_scale=0.0039, "
        "observation_statistics=FILE.npz (mean, var). May be given repeatedly.",
    ),
]


def parse_source_options(words: Sequence[str] | None) -> dict[str, Any]:
    """``NAME=VALUE`` words as keyword arguments of `dsqn_fast.load_ann`.

    Raises:
        OptionError: A word has another form, an unknown name (the nearest is named) or a value
            that its name does not take.
    """
    from dsqn_fast.errors import OptionError

    options: dict[str, Any] = {}
    for word in words or ():
        name, equals, value = word.partition("=")
        if not equals or not value:
            raise OptionError(f"--source-option takes NAME=VALUE, not {word!r}")
        if name not in _KINDS:
            near = difflib.get_close_matches(name, _KINDS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(_KINDS)}"
            raise OptionError(f"--source-option has no {name!r}: {hint}")
        wanted, read = _KINDS[name]
        try:
            options[name] = read(value)
        except ValueError:
            raise OptionError(f"{name} takes {wanted}, not {value!r}") from None
    return options


def refuse_source_options(options: Mapping[str, Any], reason: str) -> None:
    """Refuse options of the source where they would change nothing.

    Raises:
        OptionError: There are any.
    """
    from dsqn_fast.errors import OptionError

    if options:
        raise OptionError(f"--source-option {next(iter(options))} would change nothing: {reason}")


def _read_shape(value: str) -> tuple[int, ...]:
    return tuple(int(part) for part in value.split(","))


def _read_flag(value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise ValueError(value)
    return value.lower() == "true"


def _read_preprocessing(value: str) -> dict[str, Any]:
    return {"name": value}


_KINDS: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "input_shape": ("whole numbers with commas, as 4,84,84", _read_shape),
    "channels_first": ("true or false", _read_flag),
    "preprocessing": ("the name of a preprocessing", _read_preprocessing),
    "activation": ("the name of an activation, as ReLU", str),
    "input_scale": ("a number", float),
    "observation_statistics": ("an .npz file", str),
}
