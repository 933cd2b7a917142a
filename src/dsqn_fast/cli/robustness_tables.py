"""Rows and the figure of `dsqn-fast robustness`."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dsqn_fast.cli.output import number

if TYPE_CHECKING:
    from dsqn_fast.robustness import RobustnessReport


def condition_rows(report: RobustnessReport) -> Iterator[tuple[str, ...]]:
    """Mean return of both agents at every level, the undisturbed ones first."""
    for one in (report.undisturbed, *report.conditions):
        level = "" if one.disturbance == "none" else f"{one.level:g}"
        cells = [one.disturbance, level]
        for mean, (low, high) in zip(one.means, one.intervals, strict=True):
            cells.append(f"{number(mean, 1)} ({number(low, 1)}, {number(high, 1)})")
        yield tuple(cells)


def comparison_rows(report: RobustnessReport) -> Iterator[tuple[str, str, str, str]]:
    """How much less the spiking policy loses, in percent of its undisturbed return."""
    for name in report.level_names:
        found = report.comparison(name)
        low, high = found.interval
        yield (
            name,
            f"{found.difference:+.1f} %",
            f"({low:+.1f}, {high:+.1f})",
            report.verdict(name),
        )


def write_figure(report: RobustnessReport, path: Path, title: str) -> None:
    """Draw the curves into a file.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OutputPathError: The file cannot be written.
    """
    from dsqn_fast.output_files import write_whole
    from dsqn_fast.robustness.figure import robustness_figure

    picture = io.BytesIO()
    kind = path.suffix.lstrip(".").lower()
    robustness_figure(report, title).savefig(picture, format=kind, dpi=120)
    write_whole(path, picture.getvalue())
