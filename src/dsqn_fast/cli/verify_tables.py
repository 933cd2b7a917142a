"""The tables of a verification."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsqn_fast.cli.output import number, percent, print_table

if TYPE_CHECKING:
    from dsqn_fast.deploy.report import Agreement, VerificationReport

Rows = list[tuple[str, str]]


def report_rows(report: VerificationReport) -> Rows:
    """What was compared and what came out; the verdict last."""
    rows: Rows = [("target", f"{report.title} {report.version or ''}".strip())]
    rows += [
        (f"option {name}", str(value)) for name, value in report.options.items() if value != "auto"
    ]
    if report.emulated:
        rows.append(("hardware", "emulated, not measured on a board"))
    rows.append(("time steps T", str(report.n_steps)))
    if report.comparison is not None:
        rows += [
            ("observations", report.observations),
            ("compared with", f"the engine: {report.compared}"),
            *_comparison_rows(report),
            ("equal actions", _agreement(report.agreement)),
            ("equal actions, policy as shipped", _agreement(report.as_shipped)),
            ("equal actions, source network", _agreement(report.source)),
            ("engine and source network", _agreement(report.engine_source)),
            ("milliseconds per decision", number(report.milliseconds)),
        ]
    rows += [("note", note) for note in report.notes]
    return [*rows, ("verdict", f"{report.verdict.word}: {report.verdict.sentence}")]


def _comparison_rows(report: VerificationReport) -> Rows:
    found = report.comparison
    assert found is not None
    parted = "nowhere"
    if (first := found.first_difference) is not None:
        parted = (
            f"layer {first.layer}, step {first.step} (decision {first.decision}, neuron "
            f"{first.neuron}: ours {first.ours}, theirs {first.theirs})"
        )
    return [
        ("differing spikes", number(found.spike_mismatches, 0)),
        ("they part first in", parted),
        (
            "differing output potentials",
            f"{number(found.potentials_differ, 0)}, by up to "
            f"{found.largest_potential_difference:.3g}",
        ),
    ]


def _agreement(agreement: Agreement | None) -> str:
    if agreement is None:
        return "-"
    data = agreement.to_dict()
    return (
        f"{agreement.equal} of {agreement.of}, {percent(data['share'])} "
        f"({percent(data['low'])} to {percent(data['high'])})"
    )


def print_layers(report: VerificationReport) -> None:
    """Spikes of both sides, population by population."""
    if report.comparison is None:
        return
    columns = ("layer", "neurons", "spikes, ours", "theirs", "differing", "largest count gap")
    rows = [
        (
            str(index),
            number(layer.neurons, 0),
            number(layer.ours, 0),
            number(layer.theirs, 0),
            number(layer.mismatches, 0),
            number(layer.largest_count_difference, 0),
        )
        for index, layer in enumerate(report.comparison.layers, 1)
    ]
    print_table("layers", columns, rows)
