"""The progress bar of a training: on stderr, and only on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dsqn_fast.training.schedule import TrainingProgress


@contextmanager
def training_bar() -> Iterator[Callable[[TrainingProgress], None]]:
    """Show steps, the last evaluation and the best one so far; gone when it ends."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("steps"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[reached]}"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("steps", total=None, reached="")

        def update(state: TrainingProgress) -> None:
            reached = ""
            if state.best is not None and state.mean_return is not None:
                reached = f"return {state.mean_return:.1f}, best {state.best.mean_return:.1f}"
            bar.update(task, total=state.total_steps, completed=state.step, reached=reached)

        yield update
