"""The tables of a benchmark."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from dsqn_fast.cli.output import percent, print_table, to_json, to_stdout

if TYPE_CHECKING:
    from dsqn_fast.benchmarking.report import BenchmarkReport, Row

COLUMNS = ("peer", "per decision", "quartiles", "x engine", "quartiles", "equal")


def show_report(report: BenchmarkReport, target: Path | None) -> None:
    """Print a table per network, T and batch, and write the JSON; with ``-`` the JSON only.

    Raises:
        OutputPathError: The file cannot be written.
    """
    from dsqn_fast.benchmarking.nets import title_of

    text = to_json(report.to_dict())
    if to_stdout(target):
        sys.stdout.write(text)
        return
    if target is not None:
        from dsqn_fast.output_files import write_whole

        write_whole(target, text.encode())
    for (net, n_steps, batch), rows in report.cases().items():
        title = (
            f"{title_of(net)} ({rows[0].origin}, {percent(rows[0].density)} density), "
            f"T = {n_steps}, batch {batch}"
        )
        print_table(title, COLUMNS, table_rows(rows))
        for row in rows:
            if row.status != "timed":
                print(f"{row.title}: {row.status}: {row.reason}")
        print()
    for line in notes(report):
        print(line)


def table_rows(rows: Iterable[Row]) -> list[tuple[str, ...]]:
    """Cells of each peer that was timed."""
    from dsqn_fast.benchmarking.bars import readable, times

    cells: list[tuple[str, ...]] = []
    for row in rows:
        if row.seconds is None or row.ratio is None or row.agreement is None:
            continue
        name = row.title if row.version is None else f"{row.title} {row.version}"
        cells.append(
            (
                name,
                readable(row.seconds.median),
                f"{readable(row.seconds.low)} - {readable(row.seconds.high)}",
                times(row.ratio.median),
                f"{times(row.ratio.low)} - {times(row.ratio.high)}",
                percent(row.agreement.share) + (" DIFFERS" if row.differs else ""),
            )
        )
    return cells


def notes(report: BenchmarkReport) -> list[str]:
    """The machine, and whether the engine gave the reference's bits."""
    machine = report.machine
    same = "the same bits" if report.engine_equals_reference else "OTHER BITS"
    return [
        f"{machine['processor']}, {machine['cores']} cores, load {machine['load']}, kernels "
        f"{machine['isa']}, one thread, Python {machine['python']}, {machine['date']}",
        f"Engine and NumPy reference gave {same}; decisions of peers are compared with the "
        "engine's under their own reset and timing, those of the ReLU network with itself.",
    ]
