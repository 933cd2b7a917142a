"""Decisions per second of policy files beside their peers, from the JSON file of a benchmark.

dsqn-fast bench --policy policies/breakout-cnn.npz -T 16,32,64 --batch 1 --json runs/breakout.json
python benchmarks/policy_speed.py runs/breakout.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from dsqn_fast.benchmarking.bars import times
from dsqn_fast.benchmarking.nets import title_of
from dsqn_fast.benchmarking.report import BenchmarkReport, Row


def tables(report: BenchmarkReport) -> list[str]:
    """A Markdown table per policy and batch: a row per peer, a column per T."""
    lines: list[str] = []
    for net, batch in dict.fromkeys((row.net, row.batch) for row in report.rows):
        mine = [row for row in report.rows if (row.net, row.batch) == (net, batch)]
        steps = list(dict.fromkeys(row.n_steps for row in mine))
        head = " | ".join(f"T = {n_steps}" for n_steps in steps)
        lines += ["", f"**{title_of(net)}**, batch {batch}, decisions per second", ""]
        lines += [f"| peer | {head} |", "|---" * (1 + len(steps)) + "|"]
        for peer in dict.fromkeys(row.peer for row in mine):
            rows = {row.n_steps: row for row in mine if row.peer == peer}
            cells = " | ".join(cell(rows[n_steps]) for n_steps in steps)
            lines.append(f"| {next(iter(rows.values())).title} | {cells} |")
    return lines


def cell(row: Row) -> str:
    """Decisions per second, the ratio of times to the engine's, and equal decisions."""
    if row.seconds is None or row.ratio is None or row.agreement is None:
        return f"{row.status}: {row.reason}"
    speed, equal = 1 / row.seconds.median, 100 * row.agreement.share
    return f"{speed:.4g} ({times(row.ratio.median)} × engine, {equal:.0f} % equal)"


def main(arguments: list[str]) -> None:
    """Print the tables of the file that the command line names."""
    report = BenchmarkReport.from_dict(json.loads(Path(arguments[0]).read_text()))
    print("\n".join(tables(report)))


if __name__ == "__main__":
    main(sys.argv[1:])
