"""The figures of a study as SVG: one per policy and metric, with intervals."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any, Final

import numpy as np

from dsqn_fast.figures import COLOURS, LINES, new_figure
from dsqn_fast.studies.entries import Entry, shown_factors
from dsqn_fast.studies.metrics import METRICS
from dsqn_fast.studies.study import POLICY, FigureSpec, Setting, Study
from dsqn_fast.studies.words import settings, value_of

TEXT: Final = "#010203"
"""Stands for the colour of the page's text until the figure is put into a page."""
GRID: Final = "#808080"
MARKERS: Final = "osD^vPX*"
SIZE: Final = (4.8, 3.3)
LONGEST_ROW: Final = 52
"""Letters of words that stand side by side along x."""
LABELLED_RANGE: Final = 100.0
"""Largest over smallest x up to which more than powers of ten have room for their numbers."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure.

    Attributes:
        name: Part of a file name.
        title: What it shows, also for readers who do not see it.
        svg: The picture; `TEXT` is where the text's colour goes.
    """

    name: str
    title: str
    svg: str

    def inline(self) -> str:
        """For an HTML page, which gives the colours: currentColor for text, --c0 ... for lines."""
        svg = self.svg.replace(TEXT, "currentColor")
        for place, colour in enumerate(COLOURS):
            svg = svg.replace(colour.lower(), f"var(--c{place})")
        return svg.replace("<svg ", f'<svg role="img" aria-label="{self.title}" ', 1)

    def standalone(self) -> str:
        """A file of its own, on white."""
        ground = '<rect width="100%" height="100%" fill="#ffffff"/>'
        start = self.svg.index(">", self.svg.index("<svg ")) + 1
        return self.svg[:start] + ground + self.svg[start:].replace(TEXT, "#1a1a1a")


def draw_study(study: Study, entries: Sequence[Entry]) -> list[Picture]:
    """Figures of a study; none where it asks for none.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    spec = study.figure
    if spec is None:
        return []
    return [
        Picture(name=f"{study.name}-{number}-{metric}", title=title, svg=svg)
        for number, (words, own) in enumerate(_panels(study, spec, entries))
        for metric in spec.y
        for title, svg in _drawn(study, metric, own, words)
    ]


def _panels(
    study: Study, spec: FigureSpec, entries: Sequence[Entry]
) -> Iterator[tuple[str, list[Entry]]]:
    """What is drawn together, and what it has in common, in words.

    Factors that are neither along x nor told apart by lines get a panel for every value.
    """
    used = {spec.x, spec.series}
    factors = shown_factors(study, entries)
    # Points of two metrics differ by what leads to them: that is not taken apart.
    rest = [] if spec.x in METRICS else [name for name in factors if name not in used]
    together = POLICY in used
    several = together and len({entry.env_id for entry in entries}) > 1
    panels: dict[tuple[Any, ...], list[Entry]] = {}
    for entry in entries:
        if entry.role == "spiking":
            # Returns of two environments have no scale in common.
            what = entry.env_id if several else None if together else entry.policy
            key = (what, *(entry.axes.get(name) for name in rest))
            panels.setdefault(key, []).append(entry)
    for (what, *levels), own in panels.items():
        sources = [e for e in entries if e.role == "source" and what in (e.policy, e.env_id, None)]
        context = settings({n: v for n, v in zip(rest, levels, strict=True) if v is not None})
        yield ", ".join(filter(None, (what, context))), [*sources, *own]


def _drawn(
    study: Study, metric: str, entries: Sequence[Entry], words: str
) -> Iterator[tuple[str, str]]:
    """Title and SVG, where there is something to draw."""
    shown = [e for e in entries if e.role == "spiking" and e.measure(metric) is not None]
    if shown:
        title = ": ".join(filter(None, (METRICS[metric].title, words)))
        yield title, _draw(study, metric, entries, shown, title)


def _draw(
    study: Study, metric: str, entries: Sequence[Entry], shown: Sequence[Entry], title: str
) -> str:
    spec = study.figure
    assert spec is not None
    chart = _Chart.of(spec, metric, shown)
    figure = new_figure(SIZE[0], chart.height)
    axes = figure.subplots()
    figure.patch.set_alpha(0.0)
    axes.patch.set_alpha(0.0)
    _draw_source(axes, chart, entries)
    values = _levels(shown, spec.series)
    for place, value in enumerate(values):
        line = [e for e in shown if spec.series is None or e.axes.get(spec.series) == value]
        label = None if spec.series is None else value_of(value)
        _draw_line(axes, chart, line, place, len(values), label)
    _finish(axes, study, chart, title)
    return _svg(figure)


@dataclass(frozen=True, kw_only=True)
class _Chart:
    """What is along x, and which way round the figure is.

    Attributes:
        spec: What was asked for.
        metric: What is measured.
        levels: Values along x, in order.
        numeric: Whether they are numbers.
        lying: Words that do not fit side by side stand one above the other: x and y change
            places.
    """

    spec: FigureSpec
    metric: str
    levels: Sequence[Setting | None]
    numeric: bool
    lying: bool

    @classmethod
    def of(cls, spec: FigureSpec, metric: str, shown: Sequence[Entry]) -> _Chart:
        """The chart of some entries."""
        levels = [] if spec.x in METRICS else _levels(shown, spec.x)
        numeric = spec.x in METRICS or _numeric(levels)
        words = sum(len(value_of(level)) + 2 for level in levels)
        lying = not numeric and words > LONGEST_ROW
        return cls(spec=spec, metric=metric, levels=levels, numeric=numeric, lying=lying)

    @property
    def height(self) -> float:
        """Inches."""
        return max(SIZE[1], 1.3 + 0.3 * len(self.levels)) if self.lying else SIZE[1]

    @property
    def factor(self) -> float:
        """Shares are drawn in percent."""
        return 100.0 if METRICS[self.metric].kind == "share" else 1.0

    def positions(self, line: Sequence[Entry]) -> Any:
        """Places of entries along x."""
        if self.spec.x in METRICS:
            found = [entry.measure(self.spec.x) for entry in line]
            return np.array([np.nan if one is None else one.value for one in found])
        if self.numeric:
            return np.array([float(entry.axes[self.spec.x]) for entry in line])
        return np.array([float(self.levels.index(e.axes.get(self.spec.x))) for e in line])


def _levels(entries: Sequence[Entry], axis: str | None) -> list[Setting | None]:
    if axis is None:
        return [None]
    return list(dict.fromkeys(entry.axes.get(axis) for entry in entries))


def _draw_source(axes: Any, chart: _Chart, entries: Sequence[Entry]) -> None:
    """The source network as a dotted line, its interval as a band."""
    sources = [entry for entry in entries if entry.role == "source" and entry.runs]
    found = sources[0].measure(chart.metric) if len(sources) == 1 else None
    if found is None or chart.metric != "return":
        return
    line, band = (axes.axvline, axes.axvspan) if chart.lying else (axes.axhline, axes.axhspan)
    line(found.value, color=TEXT, linestyle=":", linewidth=1.2, label="source network")
    if found.interval.low == found.interval.low:
        band(*found.interval, color=GRID, alpha=0.25, linewidth=0)


def _draw_line(
    axes: Any, chart: _Chart, line: Sequence[Entry], place: int, count: int, label: str | None
) -> None:
    xs = chart.positions(line)
    if not chart.numeric:
        xs = xs + (place - (count - 1) / 2) * min(0.7 / count, 0.2)
    found = [entry.measure(chart.metric) for entry in line]
    ys = chart.factor * np.array([one.value for one in found if one is not None])
    joined = chart.numeric and chart.spec.x not in METRICS
    errors = _errors(chart, line, ys)
    points = (
        {"x": ys, "y": xs, "xerr": errors} if chart.lying else {"x": xs, "y": ys, "yerr": errors}
    )
    axes.errorbar(
        **points,
        color=_colour(place),
        linestyle=LINES[place // len(COLOURS) % len(LINES)] if joined else "none",
        marker=MARKERS[place % len(MARKERS)],
        markersize=4.5,
        linewidth=1.4,
        elinewidth=1.1,
        capsize=2.5,
        label=label,
    )
    _draw_published(axes, chart, line, xs)


def _errors(chart: _Chart, line: Sequence[Entry], ys: Any) -> Any:
    """(2, n) distances to the ends of the intervals; 0 where there is none."""
    ends = []
    for entry, y in zip(line, ys, strict=True):
        found = entry.measure(chart.metric)
        assert found is not None
        low, high = found.interval
        known = low == low
        ends.append((y - chart.factor * low, chart.factor * high - y) if known else (0.0, 0.0))
    return np.maximum(np.array(ends).T, 0.0)


def _draw_published(axes: Any, chart: _Chart, line: Sequence[Entry], xs: Any) -> None:
    """What the thesis reports, as crosses; in the legend once."""
    points = [
        (x, chart.factor * one.values[chart.metric])
        for x, entry in zip(xs, line, strict=True)
        for one in entry.published
        if chart.metric in one.values
    ]
    if points:
        across, up = np.array(points).T[:: -1 if chart.lying else 1]
        known = "thesis" in axes.get_legend_handles_labels()[1]
        axes.plot(
            across,
            up,
            linestyle="none",
            marker="x",
            markersize=7,
            markeredgewidth=1.6,
            color=TEXT,
            label=None if known else "thesis",
        )


def _numeric(levels: Sequence[Setting | None]) -> bool:
    return all(isinstance(one, int | float) and not isinstance(one, bool) for one in levels)


def _finish(axes: Any, study: Study, chart: _Chart, title: str) -> None:
    spec, metric = chart.spec, METRICS[chart.metric]
    axes.figure.suptitle(title, fontsize=10, x=0.01, ha="left", color=TEXT)
    measured = metric.title + (" in %" if metric.kind == "share" else "")
    along = METRICS[spec.x].title if spec.x in METRICS else study.title_of(spec.x)
    names = [value_of(level) for level in chart.levels]
    if chart.lying:
        axes.set_xlabel(measured)
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
    else:
        axes.set_ylabel(measured)
        axes.set_xlabel(along)
        if not chart.numeric:
            axes.set_xticks(range(len(names)), names)
    if spec.log and chart.numeric:
        _logarithmic(axes, chart)
    axes.grid(True, color=GRID, alpha=0.3, linewidth=0.6)
    axes.set_axisbelow(True)
    handles = axes.get_legend_handles_labels()[1]
    if handles:
        legend = axes.figure.legend(
            loc="outside lower center",
            ncols=2 if max(map(len, handles)) > 14 else 3,
            fontsize=8,
            frameon=False,
        )
        for text in legend.get_texts():
            text.set_color(TEXT)
    _recolour(axes)


def _logarithmic(axes: Any, chart: _Chart) -> None:
    """A logarithmic x with plain numbers: those that were measured, or 1, 2, 5 of each decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    low, high = axes.get_xlim()
    numbers = [float(level) for level in chart.levels if level is not None]
    if numbers and high < LABELLED_RANGE * low:
        axes.set_xticks(numbers)
    else:
        subs = (1.0, 2.0, 5.0) if high < LABELLED_RANGE * low else (1.0,)
        axes.xaxis.set_major_locator(LogLocator(subs=subs))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _recolour(axes: Any) -> None:
    """Frame, ticks and words in the colour of the page's text."""
    axes.tick_params(colors=TEXT, labelsize=9, which="both")
    for spine in axes.spines.values():
        spine.set_color(TEXT)
        spine.set_linewidth(0.8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for words in (axes.xaxis.label, axes.yaxis.label):
        words.set_color(TEXT)


def _colour(place: int) -> str:
    colour = COLOURS[place % len(COLOURS)]
    return TEXT if colour == "#000000" else colour


def _svg(figure: Any) -> str:
    from matplotlib import rc_context

    text = StringIO()
    # Letters stay letters: smaller, searchable, and in the page's font.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "dsqn-fast", "svg.id": None}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # Names of groups would stand several times in one page; only clips and marks are referred to.
    svg = re.sub(r'<g id="[^"]*">', "<g>", svg)
    # The page's font, or any without serifs; matplotlib would name ten in every word.
    svg = re.sub(r"font-family: [^;\"]*(; )?", "", svg)
    svg = svg.replace("*{", "text{font-family:sans-serif}*{", 1)
    svg = re.sub(r' transform="rotate\(-0 [^"]*"', "", svg)
    # Coordinates, not the words between tags: a learning rate of 0.0003 is not 0.00.
    svg = re.sub(r"<[^>]*>", lambda tag: re.sub(r"(\d+\.\d{2})\d+", r"\1", tag[0]), svg)
    return re.sub(r">\s+<", "><", re.sub(r"\s*\n", " ", svg)).strip()


__all__ = ["Picture", "draw_study"]
