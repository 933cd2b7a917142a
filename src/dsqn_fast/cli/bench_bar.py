"""The progress bar of a benchmark: on stderr, and only on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bench_bar() -> Iterator[Callable[[int, int, str], None]]:
    """Show the part of the work that is done and what is timed now; gone when it ends."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[now]}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("bench", total=None, now="")

        def update(done: int, total: int, text: str) -> None:
            bar.update(task, completed=done, total=total, now=text)

        yield update
