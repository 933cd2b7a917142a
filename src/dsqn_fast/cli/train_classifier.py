"""What `dsqn-fast train` has for classifiers: options, and rows of the table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from dsqn_fast.cli.output import number, percent

Rows = list[tuple[str, str]]

TeacherOption = Annotated[
    str | None,
    typer.Option(
        metavar="SOURCE",
        help="Of classifiers: whose actions are learned; a policy, another trained network, or "
        "the folder of a run.",
    ),
]
ObservationsOption = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Of classifiers: states to learn from (.npy or .npz)."),
]
DaggerOption = Annotated[
    int | None,
    typer.Option(metavar="N", help="Of classifiers: rounds in which the pupil plays, default 2."),
]
RuleOption = Annotated[
    str | None,
    typer.Option(help="Of classifier: backpropagation, or erbp (spiking, local; experimental)."),
]

RULES: Final = ("backpropagation", "erbp")


def by_rule(method: str, rule: str | None) -> str:
    """The method that a learning rule makes of ``classifier``.

    Raises:
        OptionError: There is no such rule, or the method has none to choose.
    """
    from dsqn_fast.errors import OptionError
    from dsqn_fast.model.options import check_choice

    if rule is None:
        return method
    check_choice("rule", rule, RULES)
    if method != "classifier":
        raise OptionError(f"--rule belongs to the method classifier, not to {method!r}: leave it")
    return "erbp-classifier" if rule == "erbp" else method


def teacher_rows(teacher: Mapping[str, Any]) -> Rows:
    """The teacher's return, and how far its pupils are from it."""
    rows: Rows = [
        ("teacher", str(teacher["file"])),
        ("teacher's return", number(teacher["mean_return"])),
    ]
    for key, name in (("network", "network"), ("spiking", "spiking policy")):
        if key not in teacher:
            continue
        pair = teacher[key]
        low, high = number(pair["ci_low"]), number(pair["ci_high"])
        share = f", {percent(pair['share'])}" if pair["share"] is not None else ""
        rows.append((f"{name}: teacher's actions", percent(pair["agreement"])))
        rows.append(
            (f"{name} less teacher", f"{number(pair['difference'])} ({low} to {high}){share}")
        )
    return rows
