"""The tables that a training with several seeds ends with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dsqn_fast.cli.output import number, percent, print_table

if TYPE_CHECKING:
    from dsqn_fast.training.seed_summary import Scores, SeedSummary

Rows = list[tuple[str, str]]


def print_seeds(summary: SeedSummary) -> None:
    """One line per seed: the best checkpoint on fresh episodes, and what failed."""
    columns = ("seed", "return", "deviation", "lowest", "spiking", "agreement", "CPU s")
    rows = []
    for run in summary.runs:
        if run.result is None:
            rows.append((str(run.seed), f"failed: {run.failure}", "", "", "", "", ""))
            continue
        test, spiking = run.result.get("test") or {}, run.result.get("spiking") or {}
        rows.append(
            (
                str(run.seed),
                number(test.get("mean_return")),
                number(test.get("std_return")),
                number(test.get("min_return")),
                number(spiking.get("mean_return")),
                percent(spiking.get("agreement")),
                number(run.cpu_seconds, 0),
            )
        )
    print_table(f"{summary.method} on {summary.env_id}", columns, rows)


def summary_rows(summary: SeedSummary) -> Rows:
    """Scores over seeds, and how they compare."""
    rows: Rows = [("seeds finished", f"{len(summary.finished)} of {len(summary.runs)}")]
    for name, scores in (("network", summary.network), ("spiking policy", summary.spiking)):
        if scores is not None:
            rows += _score_rows(name, scores)
    change = summary.conversion()
    if change is not None:
        rows.append(
            (
                "change by conversion",
                f"{number(change['mean'])} (deviation {number(change['std'])})",
            )
        )
    return [*rows, *_improvement_rows(summary.improvement())]


def _score_rows(name: str, scores: Scores) -> Rows:
    value, low, high = scores.iqm
    results = scores.to_dict()
    return [
        (f"{name}: mean over seeds", number(results["mean"])),
        (f"{name}: deviation over seeds", number(results["std"])),
        (
            f"{name}: interquartile mean",
            f"{number(value)} (95 %: {number(low)} to {number(high)})",
        ),
        (
            f"{name}: spread of episodes, of training",
            f"{number(scores.spread.episodes)}, {number(scores.spread.training)}",
        ),
    ]


def _improvement_rows(improvement: Mapping[str, Any] | None) -> Rows:
    if improvement is None:
        return []
    return [
        (
            f"{name}: better than {improvement['over']}",
            f"{percent(one['probability'])} ({percent(one['ci_low'])} to "
            f"{percent(one['ci_high'])})",
        )
        for name, one in improvement.items()
        if name != "over"
    ]
