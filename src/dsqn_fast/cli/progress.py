"""The progress bar of commands that play episodes: on stderr, and only on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dsqn_fast.evaluation import Progress as EvaluationProgress


@contextmanager
def episode_bar(episodes: int) -> Iterator[Callable[[EvaluationProgress], None]]:
    """Show finished episodes, return so far and decisions per second; gone when it ends."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("episodes"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[reached]}"),
        TimeElapsedColumn(),
    )
    # A file or pipe would get the bar's last state as lines between errors and warnings.
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("episodes", total=max(episodes, 1), reached="")

        def update(state: EvaluationProgress) -> None:
            mean = "-" if state.mean_return is None else f"{state.mean_return:.1f}"
            reached = f"return {mean}, {state.decisions_per_second:,.0f} decisions/s"
            bar.update(task, completed=state.episodes_done, reached=reached)

        yield update
