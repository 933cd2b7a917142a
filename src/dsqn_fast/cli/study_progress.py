"""Progress of a study: bar, rate, remaining time and the last rows; stderr, on a terminal."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from dsqn_fast.studies.run import StudyProgress
    from dsqn_fast.studies.study import Study

LAST_ROWS: Final = 8
"""Finished cells that the live table shows."""


@contextmanager
def study_progress(study: Study) -> Iterator[Callable[[StudyProgress], None]]:
    """Show a live table of the last cells over a bar; gone when it ends."""
    from rich.console import Console, Group
    from rich.live import Live
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda state: None
        return
    bar = Progress(
        TextColumn("cells"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeElapsedColumn(),
        console=console,
    )
    task = bar.add_task("cells", total=1, speed="")
    last: deque[Any] = deque(maxlen=LAST_ROWS)
    with Live(bar, console=console, transient=True, refresh_per_second=4) as live:

        def update(state: StudyProgress) -> None:
            bar.update(task, completed=state.done, total=state.cells, speed=speed(state))
            if state.row is not None:
                last.append(state.row)
            live.update(Group(_table(study, last), bar))

        yield update


def speed(state: StudyProgress) -> str:
    """Cells per minute and the remaining time."""
    remaining = state.remaining_seconds
    if remaining is None:
        return ""
    rate = 60 * state.finished / max(state.seconds, 1e-9)
    minutes, seconds = divmod(round(remaining), 60)
    return f"{rate:.1f} cells/min, {minutes}:{seconds:02d} left"


def _table(study: Study, rows: deque[Any]) -> Any:
    from rich.table import Table
    from rich.text import Text

    from dsqn_fast.studies.metrics import METRICS
    from dsqn_fast.studies.row_words import row_words

    table = Table(title=Text(study.title), title_justify="left")
    for name in ("policy", "cell", *(METRICS[metric].title for metric in study.metrics)):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row_words(study, row)))
    return table
