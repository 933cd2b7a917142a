"""Options of `run` that record an episode, and the bar that shows how far it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dsqn_fast.agents import SpikingAgent
    from dsqn_fast.recording import Recording, RecordingOptions

RecordOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Film of the first episode beside its spikes, .mp4 or .gif."),
]
FrameOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Picture of one decision beside its spikes, .png, .pdf or .svg."
    ),
]
FrameAtOption = Annotated[int, typer.Option(help="Decision that --frame shows.")]
MostDecisionsOption = Annotated[
    int, typer.Option(help="Decisions after which --record and --frame stop.")
]


def check_recording(film: Path | None, still: Path | None, backend: str | None) -> None:
    """Refuse early what could not be recorded.

    Raises:
        OptionError: A simulator or chip plays, whose spikes are not recorded here.
        MissingExtraError: What writes films is not installed.
        OutputPathError: A file cannot be written.
    """
    from dsqn_fast.errors import OptionError
    from dsqn_fast.film import check_film
    from dsqn_fast.recording import check_still

    if backend is not None and (film is not None or still is not None):
        raise OptionError(
            f"--record and --frame show the engine's spikes, not those of --backend {backend}: "
            "leave one of them out"
        )
    if film is not None:
        check_film(film)
    if still is not None:
        check_still(still)


def record(
    agent: SpikingAgent, film: Path | None, still: Path | None, options: RecordingOptions
) -> Recording:
    """Record an episode with a bar on stderr, on a terminal only."""
    from rich.console import Console
    from rich.progress import Progress

    from dsqn_fast.recording import record_episode

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("recording", total=options.most_decisions)
        return record_episode(
            agent,
            film=film,
            still=still,
            options=options,
            progress=lambda step: bar.update(task, completed=step),
        )
