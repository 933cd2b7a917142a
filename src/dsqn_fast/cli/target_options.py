"""Options of commands that hand a policy to a target, and their words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

TargetOptionsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--option", metavar="NAME=VALUE", help="An option of the target; may be given repeatedly."
    ),
]
PythonOption = Annotated[
    str | None,
    typer.Option("--python", metavar="PATH", help="The Python that has the target's packages."),
]


def parse_target_options(words: Sequence[str] | None) -> dict[str, str]:
    """``NAME=VALUE`` words as a mapping.

    Raises:
        OptionError: A word has another form.
    """
    from dsqn_fast.errors import OptionError

    options: dict[str, str] = {}
    for word in words or ():
        name, equals, value = word.partition("=")
        if not name or not equals:
            raise OptionError(f"--option takes NAME=VALUE, not {word!r}")
        options[name] = value
    return options
