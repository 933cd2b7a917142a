"""What commands show: tables for people, JSON for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

JsonOption = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write the results as JSON; - is stdout alone."),
]


def to_stdout(target: Path | None) -> bool:
    """Whether the JSON goes to stdout, where nothing else may stand then."""
    return str(target) == "-"


def check_json(target: Path | None) -> None:
    """Refuse early what `show` could not write.

    Raises:
        OutputPathError: The file cannot be written.
    """
    from dsqn_fast.output_files import check_writable

    if target is not None and not to_stdout(target):
        check_writable(target)


def show(
    title: str,
    rows: Iterable[tuple[str, str]],
    data: Mapping[str, Any],
    target: Path | None,
) -> None:
    """Print a table of two columns and write the JSON; with ``-`` print the JSON only.

    Raises:
        OutputPathError: The file cannot be written.
    """
    if to_stdout(target):
        with writable_stdout():
            sys.stdout.write(to_json(data))
        return
    if target is not None:
        from dsqn_fast.output_files import write_whole

        write_whole(target, to_json(data).encode())
    print_table(title, ("", ""), rows)


def to_json(data: Mapping[str, Any]) -> str:
    """Indented JSON with a newline at the end; lists of numbers stay on their line."""
    lines = [
        f"  {json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in data.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def print_table(title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a table on stdout; text of files is shown as it is, never as markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    names = list(columns)
    table = Table(title=Text(title), title_justify="left", show_header=any(names), min_width=40)
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    with writable_stdout():
        Console().print(table)


@contextmanager
def writable_stdout() -> Iterator[None]:
    """Where something is printed.

    Raises:
        OutputPathError: Stdout takes no more, for instance because its disk is full.
        BrokenPipeError: Nobody reads stdout any more.
    """
    from dsqn_fast.errors import OutputPathError

    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        forget_stdout()
        raise OutputPathError(f"stdout cannot be written: {error.strerror}") from error


def forget_stdout() -> None:
    """Drop what stdout did not take; Python would write it once more on its way out."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def number(value: float | None, digits: int = 2) -> str:
    """A number for a table: digits after the point, thousands apart; - for None or NaN."""
    if value is None or value != value:
        return "-"
    return f"{value:,.{digits}f}".replace(",", " ")


def percent(value: float | None) -> str:
    """A share for a table, in percent."""
    return "-" if value is None else f"{100 * value:.2f} %"
