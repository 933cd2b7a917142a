"""The rows of the tables that commands print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dsqn_fast.cli.output import number, percent

if TYPE_CHECKING:
    from dsqn_fast.agents import SpikingAgent
    from dsqn_fast.evaluation import EvaluationReport

Rows = list[tuple[str, str]]


def run_conditions(agent: SpikingAgent) -> dict[str, Any]:
    """Under which conditions a spiking agent played, as JSON values."""
    from dsqn_fast.engine import active_isa
    from dsqn_fast.version import package_version

    return {
        "n_steps": agent.n_steps,
        "isa": active_isa(),
        "threads": agent.n_threads,
        "precision": agent.precision,
        "version": package_version(),
    }


def return_rows(report: EvaluationReport) -> Rows:
    """Return, its spread and its interval."""
    low, high = report.confidence_interval
    interval = f"{number(low)} to {number(high)}"
    if low != low:
        interval = f"needs 2 episodes or more, not {report.episodes}"
    return [
        ("mean return", number(report.mean)),
        ("standard deviation", number(report.std)),
        ("95 % confidence interval", interval),
        ("episodes", number(report.episodes, 0)),
    ]


def cost_rows(report: EvaluationReport) -> Rows:
    """Decisions, their rate, and the seed."""
    return [
        ("decisions", number(report.decisions, 0)),
        ("decisions per second", number(report.decisions_per_second, 0)),
        ("seed", str(report.seed)),
    ]


def evaluation_rows(report: EvaluationReport, conditions: Mapping[str, Any]) -> Rows:
    """Everything that `run` shows."""
    interval = report.agreement_interval
    agreement = percent(report.agreement)
    if interval is not None:
        agreement += f" ({percent(interval.low)} to {percent(interval.high)})"
    steps = str(conditions["n_steps"])
    if report.steps_used is not None and report.steps_used != conditions["n_steps"]:
        steps += f" (used: mean {number(report.steps_used, 1)}, 95 % at most {report.steps_95})"
    return [
        *return_rows(report),
        ("agreement with the source", agreement),
        ("spikes per decision", number(report.spikes_per_decision, 1)),
        (
            "synaptic operations per decision",
            number(report.synaptic_operations_per_decision, 1),
        ),
        *cost_rows(report),
        ("time steps T", steps),
        *(backend_rows(conditions) if "backend" in conditions else engine_rows(conditions)),
    ]


def engine_rows(conditions: Mapping[str, Any]) -> Rows:
    """How the engine ran."""
    return [
        ("instruction set", str(conditions["isa"])),
        ("threads", str(conditions["threads"])),
        ("precision", str(conditions["precision"])),
    ]


def backend_rows(conditions: Mapping[str, Any]) -> Rows:
    """Where it played instead of in the engine, and how alike they decided."""
    found = conditions["agreement_engine"]
    agreement = "-"
    if found is not None:
        agreement = (
            f"{percent(found['share'])} ({percent(found['low'])} to {percent(found['high'])})"
        )
    title = f"{conditions['backend_title']} {conditions['backend_version'] or ''}".strip()
    return [
        ("played on", f"{title}, emulated" if conditions["emulated"] else title),
        *(
            (f"option {name}", str(value))
            for name, value in conditions["backend_options"].items()
            if value != "auto"
        ),
        ("agreement with the engine", agreement),
        ("milliseconds per decision there", number(conditions["milliseconds_per_decision"])),
        *(("note", note) for note in conditions["notes"]),
    ]
