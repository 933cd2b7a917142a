"""The tables of benchmarks/README.md from the JSON file of `dsqn-fast bench`.

dsqn-fast bench --json runs/bench.json
python benchmarks/report.py runs/bench.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from dsqn_fast.benchmarking.bars import readable, times
from dsqn_fast.benchmarking.nets import title_of
from dsqn_fast.benchmarking.report import BenchmarkReport, Row


def tables(report: BenchmarkReport) -> list[str]:
    """A Markdown table per network and T: a row per peer, a column per batch."""
    lines: list[str] = []
    groups: dict[tuple[str, int], list[Row]] = {}
    for row in report.rows:
        groups.setdefault((row.net, row.n_steps), []).append(row)
    for (net, n_steps), rows in groups.items():
        batches = list(dict.fromkeys(row.batch for row in rows))
        lines += ["", f"**{title_of(net)}**, {rows[0].origin}, T = {n_steps}, "]
        lines[-1] += f"{100 * rows[0].density:.1f} % of hidden neurons fire per step"
        head = " | ".join(f"batch {batch} | × engine" for batch in batches)
        lines += ["", f"| peer | {head} |", "|---" * (1 + 2 * len(batches)) + "|"]
        for peer in dict.fromkeys(row.peer for row in rows):
            mine = {row.batch: row for row in rows if row.peer == peer}
            cells = " | ".join(cell(mine[batch]) for batch in batches)
            lines.append(f"| {next(iter(mine.values())).title} | {cells} |")
    return lines


def cell(row: Row) -> str:
    """Median with quartiles, and the ratio; or why there is none."""
    if row.seconds is None or row.ratio is None:
        return f"{row.status}: {row.reason} | -"
    low, high = readable(row.seconds.low), readable(row.seconds.high)
    share = "" if row.agreement is None else f" {100 * row.agreement.share:.0f} % equal"
    mark = f" (decisions differ:{share})" if row.differs else ""
    return f"{readable(row.seconds.median)} ({low} to {high}) | **{times(row.ratio.median)}**{mark}"


def machine_lines(report: BenchmarkReport) -> list[str]:
    """Processor and versions that the times belong to."""
    machine = report.machine
    versions = {row.title: row.version for row in report.rows if row.version is not None}
    same = "the same bits" if report.engine_equals_reference else "OTHER BITS"
    return [
        f"{machine['processor']} ({machine['cores']} cores, load {machine['load']} at the end), "
        f"kernels {machine['isa']}, Python {machine['python']}, {machine['date']}. "
        f"Engine and NumPy reference gave {same}.",
        "",
        "Versions: " + ", ".join(f"{title} {version}" for title, version in versions.items()) + ".",
    ]


def main(arguments: list[str]) -> None:
    """Print the report of the file that the command line names."""
    report = BenchmarkReport.from_dict(json.loads(Path(arguments[0]).read_text()))
    print("\n".join([*machine_lines(report), *tables(report)]))


if __name__ == "__main__":
    main(sys.argv[1:])
