"""`dsqn-fast evaluate`: play episodes with a source network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dsqn_fast.cli.output import JsonOption
from dsqn_fast.cli.playing_options import (
    EpisodesOption,
    EpsilonOption,
    MaxEpisodeStepsOption,
    SourceArgument,
)


def evaluate(
    source: SourceArgument,
    episodes: EpisodesOption = 100,
    seed: Annotated[int, typer.Option(help="Seed of the episodes.")] = 0,
    env: Annotated[
        str | None, typer.Option("--env", metavar="ID", help="Environment, where not known.")
    ] = None,
    max_episode_steps: MaxEpisodeStepsOption = None,
    epsilon: EpsilonOption = 0.0,
    json_file: JsonOption = None,
) -> None:
    """Play episodes with a source network, greedily, and report its return.

    Example: dsqn-fast evaluate policies/cartpole-dqn.npz --episodes 20
    """
    from dsqn_fast import evaluation
    from dsqn_fast.agents import AnnAgent
    from dsqn_fast.cli.output import check_json, show
    from dsqn_fast.cli.progress import episode_bar
    from dsqn_fast.cli.sources import load_source
    from dsqn_fast.cli.tables import cost_rows, return_rows
    from dsqn_fast.output_files import check_separate
    from dsqn_fast.version import package_version

    check_json(json_file)
    check_separate({"--json": json_file}, {"the source": source})
    agent = AnnAgent(load_source(source, env_id=env))
    with episode_bar(episodes) as progress:
        report = evaluation.evaluate(
            agent,
            env,
            episodes=episodes,
            seed=seed,
            max_episode_steps=max_episode_steps,
            epsilon=epsilon,
            progress=progress,
        )
    show(
        f"{Path(source).name} on {report.env_id}",
        [*return_rows(report), *cost_rows(report)],
        {"source": source, **report.to_dict(), "version": package_version()},
        json_file,
    )
