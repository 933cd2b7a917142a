"""What a study measures: each metric with its unit and which way is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, kw_only=True)
class Metric:
    """Something measured in every cell.

    Attributes:
        title: Heading of its column.
        kind: ``number``, or ``share`` (shown in percent).
        digits: After the point.
        better: Which way is better; None where neither is.
        help: What it is.
    """

    title: str
    kind: Literal["number", "share"] = "number"
    digits: int = 2
    better: Literal["higher", "lower"] | None = None
    help: str = ""


METRICS: Final[dict[str, Metric]] = {
    "return": Metric(
        title="return", better="higher", help="undiscounted return, mean over episodes"
    ),
    "agreement": Metric(
        title="agreement",
        kind="share",
        better="higher",
        help="share of decisions, on states that the agent visits, with the action of the "
        "network it came from (the thesis's conversion accuracy)",
    ),
    "regret": Metric(
        title="regret",
        kind="share",
        better="lower",
        help="Q(best) - Q(chosen) in the source network's estimate, summed over the visited "
        "states and divided by the same sum of Q(best) - Q(worst)",
    ),
    "engine_agreement": Metric(
        title="as our engine",
        kind="share",
        better="higher",
        help="share of a backend's decisions with the action of this package's engine",
    ),
    "steps_used": Metric(title="steps", digits=1, better="lower", help="time steps per decision"),
    "spikes_per_decision": Metric(
        title="spikes", digits=0, better="lower", help="spikes of all neurons per decision"
    ),
    "synaptic_operations": Metric(
        title="synaptic operations", digits=0, better="lower", help="spikes times fan-out"
    ),
    "nanojoule": Metric(
        title="nJ",
        better="lower",
        help="energy of the arithmetic per decision, 45 nm, 32-bit floating point; memory "
        "traffic is not counted",
    ),
    "nanojoule_int8": Metric(
        title="nJ (int8)", better="lower", help="the same with 8-bit integers"
    ),
    "source_nanojoule": Metric(
        title="nJ of the source", help="energy of the source network on the same states"
    ),
    "seconds": Metric(title="seconds", digits=1, help="wall-clock time of the cell"),
}
EPISODIC: Final = ("return", "agreement", "regret")
"""Metrics with a value for every episode, and so with intervals and paired comparisons."""


def show_metric(name: str, value: float | None) -> str:
    """A value as tables show it."""
    if value is None or value != value:
        return "-"
    metric = METRICS[name]
    if metric.kind == "share":
        return f"{100 * value:.{metric.digits}f} %"
    return f"{value:,.{metric.digits}f}".replace(",", " ")
