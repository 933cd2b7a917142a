"""`dsqn-fast info`: what a policy file or this installation is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dsqn_fast.cli.output import JsonOption


def info(
    context: typer.Context,
    policy: Annotated[
        Path | None, typer.Argument(metavar="[POLICY]", help="Policy file (.npz).")
    ] = None,
    raster: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Draw the spikes and potentials of one decision."),
    ] = None,
    observation: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBERS",
            help='Observation to draw, such as "0.1,0.2,-0.3,0"; '
            "else the first that the environment shows.",
        ),
    ] = None,
    n_steps: Annotated[
        int | None, typer.Option("--n-steps", "-T", help="Time steps to draw.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the environment and of the noise.")] = 0,
    json_file: JsonOption = None,
) -> None:
    """Show what is in a policy file; without a file, what this installation has.

    Example: dsqn-fast info policies/cartpole-dqn.npz --raster raster.png
    """
    from dsqn_fast.cli.option_pairs import refuse_without_raster
    from dsqn_fast.cli.output import check_json, print_table, show, to_stdout
    from dsqn_fast.description import describe_installation, describe_policy, text_rows
    from dsqn_fast.output_files import check_separate

    check_json(json_file)
    check_separate({"--raster": raster, "--json": json_file}, {"the policy": policy})
    if policy is None:
        _refuse_without_policy(raster, observation, n_steps)
        installation = describe_installation()
        show("dsqn-fast", text_rows(installation), installation, json_file)
        return
    from dsqn_fast.model_io import load_policy

    refuse_without_raster(context)
    model = load_policy(policy)
    if raster is not None:
        from dsqn_fast.raster import draw_decision

        draw_decision(model, raster, observation=observation, n_steps=n_steps, seed=seed)
    data = {"file": str(policy), "bytes": policy.stat().st_size, **describe_policy(model)}
    layers = data["layers"]
    plain = {key: value for key, value in data.items() if key != "layers"}
    show(policy.name, text_rows(plain), data, json_file)
    if not to_stdout(json_file):
        print_table("layers", layers[0].keys(), (map(str, layer.values()) for layer in layers))


def _refuse_without_policy(*options: object) -> None:
    from dsqn_fast.errors import OptionError

    if any(option is not None for option in options):
        raise OptionError("--raster, --observation and --n-steps need a policy file: name one")
