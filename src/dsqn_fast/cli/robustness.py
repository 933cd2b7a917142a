"""`dsqn-fast robustness`: a policy and its source network under disturbances."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dsqn_fast.cli.output import JsonOption
from dsqn_fast.cli.playing_options import EpsilonOption, MaxEpisodeStepsOption


def robustness(
    policy: Annotated[Path, typer.Argument(metavar="POLICY", help="Policy file (.npz).")],
    disturbance: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="One of the disturbances; repeatable; default all."),
    ] = None,
    episodes: Annotated[int, typer.Option(help="Episodes per level and seed.")] = 3,
    seeds: Annotated[int, typer.Option(help="Seeds per level.")] = 10,
    bar_every: Annotated[
        int, typer.Option(help="Rows from one position of the bar to the next.")
    ] = 1,
    n_steps: Annotated[
        int | None, typer.Option("--n-steps", "-T", help="Time steps per decision.")
    ] = None,
    epsilon: EpsilonOption = 0.0,
    max_episode_steps: MaxEpisodeStepsOption = None,
    env: Annotated[
        str | None, typer.Option("--env", metavar="ID", help="Another environment.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    figure: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Curves, .png, .pdf or .svg.")
    ] = None,
    json_file: JsonOption = None,
) -> None:
    """Disturb a policy and the network that it came from, and say which of them loses less.

    Disturbances: bar (three rows of pixels at zero), gaussian-noise, salt-and-pepper,
    dropped-input, dropped-neurons, coarse-weights, bit-flips.

    Example: dsqn-fast robustness policies/cartpole-dqn.npz --disturbance gaussian-noise
    """
    from dsqn_fast.cli.output import check_json, print_table, to_json, to_stdout
    from dsqn_fast.cli.robustness_tables import comparison_rows, condition_rows, write_figure
    from dsqn_fast.cli.steps_bar import steps_bar
    from dsqn_fast.model_io import load_policy
    from dsqn_fast.output_files import check_separate, write_whole
    from dsqn_fast.recording import check_still
    from dsqn_fast.robustness import RobustnessOptions, measure_robustness

    check_json(json_file)
    check_separate({"--json": json_file, "--figure": figure}, {"the policy": policy})
    if figure is not None:
        check_still(figure)
    options = RobustnessOptions(
        disturbances=disturbance,
        episodes=episodes,
        seeds=seeds,
        bar_every=bar_every,
        n_steps=n_steps,
        epsilon=epsilon,
        max_episode_steps=max_episode_steps,
        env_id=env,
        seed=seed,
    )
    model = load_policy(policy)
    with steps_bar("levels") as progress:
        report = measure_robustness(model, options, progress=progress)
    data = {"policy": str(policy), **report.to_dict()}
    if figure is not None:
        write_figure(report, figure, policy.name)
    if to_stdout(json_file):
        typer.echo(to_json(data), nl=False)
        return
    if json_file is not None:
        write_whole(json_file, to_json(data).encode())
    columns = ("disturbance", "level", "source network, 95 %", "spiking policy, 95 %")
    print_table(f"{policy.name}: mean return", columns, condition_rows(report))
    columns = ("disturbance", "difference of losses", "95 %", "verdict")
    print_table("Does the spiking policy lose less?", columns, comparison_rows(report))
