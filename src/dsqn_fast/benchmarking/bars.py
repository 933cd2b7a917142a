"""The benchmark as a picture: time per decision on a logarithmic axis."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final

from dsqn_fast.benchmarking.nets import title_of
from dsqn_fast.benchmarking.peers.catalogue import ENGINE
from dsqn_fast.benchmarking.report import BenchmarkReport, Row
from dsqn_fast.errors import OptionError
from dsqn_fast.figures import COLOURS, new_figure
from dsqn_fast.output_files import check_writable, write_whole

KINDS: Final = ("png", "pdf", "svg")
UNITS: Final = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def check_picture(path: Path) -> None:
    """Refuse early what `draw_bars` could not write.

    Raises:
        OptionError: The ending is none of a picture.
        OutputPathError: The file cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    new_figure(1, 1)
    if path.suffix.lstrip(".").lower() not in KINDS:
        raise OptionError(f"a picture must end in .png, .pdf or .svg, not {path.name!r}")
    check_writable(path)


def draw_bars(report: BenchmarkReport, path: Path) -> None:
    """Draw one panel per network, T and batch, and write the picture whole.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OptionError: The ending is none of a picture.
        OutputPathError: The file cannot be written.
    """
    check_picture(path)
    cases = {case: _timed(rows) for case, rows in report.cases().items()}
    columns = min(2, len(cases))
    lines = -(-len(cases) // columns)
    tallest = max(len(rows) for rows in cases.values())
    figure = new_figure(6.6 * columns, lines * (1.1 + 0.26 * tallest))
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    for panel, (case, rows) in zip(panels, cases.items(), strict=False):
        _draw(panel, case, rows)
    for panel in panels[len(cases) :]:
        panel.set_axis_off()
    machine = report.machine
    figure.suptitle(f"{machine['processor']}, {machine['isa']}, one thread, {machine['date']}")
    picture = io.BytesIO()
    figure.savefig(picture, format=path.suffix.lstrip(".").lower(), dpi=120)
    write_whole(path, picture.getvalue())


def _timed(rows: list[Row]) -> list[Row]:
    timed = [row for row in rows if row.seconds is not None]
    return sorted(timed, key=lambda row: row.seconds.median if row.seconds else 0.0)


def _draw(panel: Any, case: tuple[str, int, int], rows: list[Row]) -> None:
    """Horizontal bars, the fastest on top; the number is the ratio to the engine."""
    net, n_steps, batch = case
    for place, row in enumerate(rows):
        assert row.seconds is not None
        assert row.ratio is not None
        median = row.seconds.median
        errors = [[median - row.seconds.low], [row.seconds.high - median]]
        panel.barh(
            place,
            median,
            xerr=errors,
            color=_colour(row),
            hatch="//" if row.is_relu else None,
            edgecolor="white",
            error_kw={"elinewidth": 1.0, "capsize": 2.0},
        )
        mark = " decisions differ" if row.differs else ""
        panel.text(
            row.seconds.high * 1.15,
            place,
            f"{readable(median)}  × {times(row.ratio.median)}{mark}",
            va="center",
            fontsize="x-small",
        )
    panel.set_yticks(range(len(rows)), [row.title for row in rows], fontsize="small")
    panel.invert_yaxis()
    panel.set_xscale("log")
    low = min(row.seconds.low for row in rows if row.seconds)
    high = max(row.seconds.high for row in rows if row.seconds)
    panel.set_xlim(low / 3, high * 12)
    panel.set_xlabel("seconds per decision", fontsize="small")
    panel.set_title(f"{title_of(net)}, T = {n_steps}, batch {batch}", fontsize="medium")
    panel.spines[["top", "right"]].set_visible(False)


def _colour(row: Row) -> str:
    if row.peer.startswith(ENGINE):
        return COLOURS[0]
    return COLOURS[2] if row.is_relu else COLOURS[4]


def times(ratio: float) -> str:
    """A ratio with three digits and no exponent: ``0.0876``, ``13.7``, ``1910``."""
    return f"{float(f'{ratio:.3g}'):g}"


def readable(seconds: float) -> str:
    """Three digits and a unit: ``3.21 µs``."""
    for size, unit in UNITS:
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
