"""`dsqn-fast verify`: how faithful a policy is on a simulator or chip."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dsqn_fast.cli.output import JsonOption
from dsqn_fast.cli.target_options import PythonOption, TargetOptionsOption


def verify(
    policy: Annotated[Path, typer.Argument(metavar="POLICY", help="Policy file (.npz, or .nir).")],
    target: Annotated[
        str, typer.Option(metavar="NAME", help="Simulator or chip, such as nest or pynn-nest.")
    ],
    observations: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Observations: .npy, or .npz 'observations'; else the policy plays.",
        ),
    ] = None,
    n_steps: Annotated[
        int | None, typer.Option("--n-steps", "-T", help="Time steps per decision.")
    ] = None,
    decisions: Annotated[
        int, typer.Option(help="Decisions to compare, of the states that the policy visits.")
    ] = 200,
    seed: Annotated[int, typer.Option(help="Seed of the play and of the noise.")] = 0,
    option: TargetOptionsOption = None,
    python: PythonOption = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the spikes of both: .png, .pdf, .svg.")
    ] = None,
    json_file: JsonOption = None,
) -> None:
    """Run the same decisions on a target and in the engine: spikes, potentials, actions, verdict.

    Example: dsqn-fast verify policies/cartpole-dqn.npz --target nest --n-steps 100
    """
    from dsqn_fast.cli.count_bar import count_bar
    from dsqn_fast.cli.output import check_json, show, to_stdout
    from dsqn_fast.cli.sources import load_spiking
    from dsqn_fast.cli.target_options import parse_target_options
    from dsqn_fast.cli.verify_tables import print_layers, report_rows
    from dsqn_fast.conversion.observation_files import load_observations
    from dsqn_fast.deploy.rasters import check_picture, draw_rasters
    from dsqn_fast.deploy.verify import verify_in_detail
    from dsqn_fast.output_files import check_separate

    check_json(json_file)
    check_separate(
        {"--plot": plot, "--json": json_file},
        {"the policy": policy, "--observations": observations},
    )
    if plot is not None:
        check_picture(plot)
    model = load_spiking(policy)
    with count_bar("decisions") as progress:
        found = verify_in_detail(
            model,
            target,
            observations=None if observations is None else load_observations(observations),
            n_steps=n_steps,
            decisions=decisions,
            seed=seed,
            options=parse_target_options(option),
            python=python,
            progress=progress,
        )
    if plot is not None:
        draw_rasters(found, plot)
    report = found.report
    data = {"policy": str(policy), **report.to_dict()}
    show(f"{policy.name} on {report.title}", report_rows(report), data, json_file)
    if not to_stdout(json_file):
        print_layers(report)
