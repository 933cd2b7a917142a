"""`dsqn-fast export`: a policy as a file of another tool."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dsqn_fast.cli.output import JsonOption
from dsqn_fast.cli.target_options import TargetOptionsOption


def export(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="The tool, such as pynn or nir.")],
    policy: Annotated[Path, typer.Argument(metavar="POLICY", help="Policy file (.npz, or .nir).")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write.")
    ],
    option: TargetOptionsOption = None,
    json_file: JsonOption = None,
) -> None:
    """Write a policy for another tool, and say what that tool cannot carry.

    Example: dsqn-fast export pynn policies/cartpole-dqn.npz -o cartpole.py
    """
    from dsqn_fast.cli.output import check_json, show
    from dsqn_fast.cli.sources import load_spiking
    from dsqn_fast.cli.target_options import parse_target_options
    from dsqn_fast.deploy.companion import ENDING
    from dsqn_fast.deploy.export import export_policy
    from dsqn_fast.output_files import check_separate

    check_json(json_file)
    beside = output.with_suffix(ENDING) if output.suffix == ".py" else None
    outputs = {"--output": output, "its arrays": beside, "--json": json_file}
    check_separate(outputs, {"the policy": policy})
    model = load_spiking(policy)
    report = export_policy(model, target, output, options=parse_target_options(option))
    rows = [
        *(("written", file) for file in report.files),
        *(("note", note) for note in report.notes),
        *(("not carried", loss) for loss in report.losses),
    ]
    data = {"policy": str(policy), **report.to_dict()}
    show(f"{policy.name} for {report.target}", rows, data, json_file)
