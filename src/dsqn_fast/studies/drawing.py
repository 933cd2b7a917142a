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
    panels: dict[tuple[Any, ...], list[Entry]] = {}
    for entry in entries:
        if entry.role == "spiking":
            policy = None if together else entry.policy
            key = (policy, *(entry.axes.get(name) for name in rest))
            panels.setdefault(key, []).append(entry)
    for (policy, *levels), own in panels.items():
        sources = [e for e in entries if e.role == "source" and e.policy in (policy, None)]
        context = settings({n: v for n, v in zip(rest, levels, strict=True) if v is not None})
        yield ", ".join(filter(None, (policy, context))), [*sources, *own]


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
    figure = new_figure(*SIZE)
    axes = figure.subplots()
    figure.patch.set_alpha(0.0)
    axes.patch.set_alpha(0.0)
    _draw_source(axes, metric, entries)
    values = _levels(shown, spec.series)
    for place, value in enumerate(values):
        line = [e for e in shown if spec.series is None or e.axes.get(spec.series) == value]
        label = None if spec.series is None else value_of(value)
        _draw_line(axes, spec, metric, line, shown, place, len(values), label)
    _finish(axes, study, metric, title, shown)
    return _svg(figure)


def _levels(entries: Sequence[Entry], axis: str | None) -> list[Setting | None]:
    if axis is None:
        return [None]
    return list(dict.fromkeys(entry.axes.get(axis) for entry in entries))


def _draw_source(axes: Any, metric: str, entries: Sequence[Entry]) -> None:
    """The source network as a dashed line, its interval as a band."""
    sources = [entry for entry in entries if entry.role == "source" and entry.runs]
    found = sources[0].measure(metric) if len(sources) == 1 else None
    if found is None or metric != "return":
        return
    axes.axhline(found.value, color=TEXT, linestyle=":", linewidth=1.2, label="source network")
    if found.interval.low == found.interval.low:
        axes.axhspan(*found.interval, color=GRID, alpha=0.25, linewidth=0)


def _draw_line(
    axes: Any,
    spec: FigureSpec,
    metric: str,
    line: Sequence[Entry],
    shown: Sequence[Entry],
    place: int,
    count: int,
    label: str | None,
) -> None:
    xs, numeric = _positions(spec, line, shown)
    if not numeric:
        xs = xs + (place - (count - 1) / 2) * min(0.7 / count, 0.2)
    found = [entry.measure(metric) for entry in line]
    ys = np.array([one.value for one in found if one is not None])
    if METRICS[metric].kind == "share":
        ys = 100 * ys
    colour = _colour(place)
    style = LINES[place // len(COLOURS) % len(LINES)] if numeric else "none"
    if spec.x in METRICS:
        style = "none"
    axes.errorbar(
        xs,
        ys,
        yerr=_errors(metric, line, ys),
        color=colour,
        linestyle=style,
        marker=MARKERS[place % len(MARKERS)],
        markersize=4.5,
        linewidth=1.4,
        elinewidth=1.1,
        capsize=2.5,
        label=label,
    )
    _draw_published(axes, metric, line, xs, colour)


def _errors(metric: str, line: Sequence[Entry], ys: Any) -> Any:
    """(2, n) distances to the ends of the intervals; 0 where there is none."""
    factor = 100.0 if METRICS[metric].kind == "share" else 1.0
    ends = []
    for entry, y in zip(line, ys, strict=True):
        found = entry.measure(metric)
        assert found is not None
        low, high = found.interval
        known = low == low
        ends.append((y - factor * low, factor * high - y) if known else (0.0, 0.0))
    return np.maximum(np.array(ends).T, 0.0)


def _draw_published(axes: Any, metric: str, line: Sequence[Entry], xs: Any, colour: str) -> None:
    """What the thesis reports, as crosses."""
    factor = 100.0 if METRICS[metric].kind == "share" else 1.0
    points = [
        (x, factor * one.values[metric])
        for x, entry in zip(xs, line, strict=True)
        for one in entry.published
        if metric in one.values
    ]
    if points:
        label = None if any("thesis" in str(t) for t in axes.get_legend_handles_labels()[1]) else ""
        axes.plot(
            *np.array(points).T,
            linestyle="none",
            marker="x",
            markersize=7,
            markeredgewidth=1.6,
            color=TEXT,
            label="thesis" if label is not None else None,
        )


def _positions(spec: FigureSpec, line: Sequence[Entry], shown: Sequence[Entry]) -> tuple[Any, bool]:
    """Places along x, and whether x is a number."""
    if spec.x in METRICS:
        found = [entry.measure(spec.x) for entry in line]
        return np.array([np.nan if one is None else one.value for one in found]), True
    levels = _levels(shown, spec.x)
    if _numeric(levels):
        return np.array([float(entry.axes[spec.x]) for entry in line]), True
    return np.array([float(levels.index(entry.axes.get(spec.x))) for entry in line]), False


def _numeric(levels: Sequence[Setting | None]) -> bool:
    return all(isinstance(one, int | float) and not isinstance(one, bool) for one in levels)


def _finish(axes: Any, study: Study, metric: str, title: str, shown: Sequence[Entry]) -> None:
    spec = study.figure
    assert spec is not None
    unit = " in %" if METRICS[metric].kind == "share" else ""
    axes.set_title(title, fontsize=10, loc="left", color=TEXT)
    axes.set_ylabel(METRICS[metric].title + unit)
    axes.set_xlabel(METRICS[spec.x].title if spec.x in METRICS else study.title_of(spec.x))
    levels = _levels(shown, spec.x)
    if spec.x not in METRICS and not _numeric(levels):
        names = [value_of(level) for level in levels]
        turned = sum(len(name) + 2 for name in names) > 52
        axes.set_xticks(range(len(levels)), names)
        if turned:
            for tick in axes.get_xticklabels():
                tick.set(rotation=35, ha="right", rotation_mode="anchor")
    if spec.log:
        axes.set_xscale("log")
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
    svg = re.sub(r"(\d+\.\d{2})\d+", r"\1", svg)
    return re.sub(r">\s+<", "><", re.sub(r"\s*\n", " ", svg)).strip()


__all__ = ["Picture", "draw_study"]
