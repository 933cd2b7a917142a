"""Options of the commands that play episodes."""

from __future__ import annotations

from typing import Annotated

import typer

EpisodesOption = Annotated[int, typer.Option(help="Number of episodes.")]
MaxEpisodeStepsOption = Annotated[
    int | None, typer.Option(help="Another limit on the steps of an episode.")
]
EpsilonOption = Annotated[
    float, typer.Option(help="Share of random actions; 0.05 is usual for Atari games.")
]
SourceArgument = Annotated[
    str,
    typer.Argument(metavar="SOURCE", help="Source network, or a policy file with its source."),
]
