"""Curves of both agents over the level of every disturbance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from dsqn_fast.figures import COLOURS, new_figure
from dsqn_fast.robustness.report import RobustnessReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = 2


def robustness_figure(report: RobustnessReport, title: str) -> Figure:
    """One panel per disturbance: mean return with its 95 % interval of both agents.

    Args:
        report: What was measured.
        title: Above the picture.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    names = list(report.level_names)
    columns = min(_COLUMNS, len(names))
    rows = math.ceil(len(names) / columns)
    # A single panel is wider than one of two, for the title, and fills the picture.
    width, height = (7.0, 4.0) if len(names) == 1 else (10.0, 0.8 + 2.9 * rows)
    figure = new_figure(width, height)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for name, axes in zip(names, panels, strict=False):
        _draw(axes, report, name)
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    panels[0].legend(fontsize="small")
    figure.suptitle(title)
    return figure


def _draw(axes: Any, report: RobustnessReport, name: str) -> None:
    conditions = report.of(name)
    places = np.arange(len(conditions)) if name != "bar" else [one.level for one in conditions]
    for index, (label, colour, marker) in enumerate(
        (("source network", COLOURS[0], "o"), ("spiking policy", COLOURS[1], "s"))
    ):
        means = np.array([one.means[index] for one in conditions])
        ends = np.array([one.intervals[index] for one in conditions]).T
        axes.plot(places, means, color=colour, marker=marker, markersize=3.5, label=label)
        axes.fill_between(places, *np.nan_to_num(ends, nan=np.nan), color=colour, alpha=0.18)
        axes.axhline(report.undisturbed.means[index], color=colour, linestyle=":", linewidth=1)
    if name != "bar":
        axes.set_xticks(places, [f"{one.level:g}" for one in conditions])
    axes.set_xlabel(report.level_names[name])
    axes.set_ylabel("mean return")
    axes.set_title(f"{name}: {report.verdict(name)}", fontsize="medium")
