"""Pictures, with matplotlib: colours that colour-blind readers can tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dsqn_fast.errors import MissingExtraError
from dsqn_fast.results import SimulationResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

COLOURS: Final = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
)
"""Okabe and Ito, Color Universal Design, 2008."""
LINES: Final = ("-", "--", "-.", ":")


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of ``width`` x ``height`` inches, of no window and no global state.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError(
            'pictures need matplotlib, which is not installed: pip install "dsqn-fast[plot]"'
        ) from error
    return Figure(figsize=(width, height), layout="constrained")


def decision_figure(result: SimulationResult, *, row: int = 0) -> Figure:
    """Spike raster of every recorded population over the potentials of the outputs.

    Args:
        result: A simulation with all populations recorded.
        row: Which decision of the batch.

    Returns:
        The figure: one panel per population that spiked or is hidden, then the potentials.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    heights = _panel_heights(result, row)
    figure = new_figure(8.0, 1.0 + 0.6 * sum(heights.values()) + 2.6)
    draw_decision_panels(figure, result, row=row)
    steps = int(result.steps_used[row])
    figure.suptitle(f"one decision: {steps} time steps, action {int(result.actions[row])}")
    return figure


def draw_decision_panels(
    figure: Figure | SubFigure, result: SimulationResult, *, row: int = 0
) -> None:
    """Draw what `decision_figure` shows, into a figure or a part of one."""
    output = max(result.potentials)
    heights = _panel_heights(result, row)
    panels = figure.subplots(
        len(heights) + 1, 1, sharex=True, squeeze=False, height_ratios=[*heights.values(), 4.0]
    )[:, 0]
    steps = int(result.steps_used[row])
    for index, axes in zip(heights, panels, strict=False):
        name = "output" if index == output else f"layer {index + 1}"
        _draw_raster(axes, result.spikes[index][row, :steps], name)
    _draw_potentials(panels[-1], result.potentials[output][row, :steps], int(result.actions[row]))
    panels[-1].set_xlim(0.5, max(steps, 1) + 0.5)


def _panel_heights(result: SimulationResult, row: int) -> dict[int, float]:
    """Population -> height of its raster; an output layer without spikes has none."""
    output = max(result.potentials)
    return {
        index: 1.0 + 0.4 * float(np.log2(1 + result.spikes[index].shape[2]))
        for index in sorted(result.spikes)
        if index < output or result.spikes[index][row].any()
    }


def _draw_raster(axes: Any, spikes: Any, name: str) -> None:
    """One mark per spike; spikes that take another back are marked apart."""
    neurons = spikes.shape[1]
    size = float(np.clip(1200 / max(neurons, len(spikes), 1), 1.0, 40.0))
    for sign, colour, label in ((1, COLOURS[0], None), (-1, COLOURS[1], "negative")):
        step, neuron = np.nonzero(np.sign(spikes) == sign)
        if label is None or len(step):
            axes.scatter(step + 1, neuron, s=size, marker="|", color=colour, label=label)
    if (spikes < 0).any():
        axes.legend(loc="upper left", bbox_to_anchor=(1.03, 1.0), fontsize="small")
    axes.set_ylim(-0.7, neurons - 0.3)
    axes.set_ylabel(f"{name}\n{neurons} neurons")
    axes.text(
        1.01,
        0.5,
        f"{int(np.abs(spikes.astype(np.int64)).sum())} spikes",
        transform=axes.transAxes,
        rotation=90,
        va="center",
        fontsize="small",
    )


def _draw_potentials(axes: Any, potentials: Any, action: int) -> None:
    """One line per output; the chosen one is thicker."""
    steps = np.arange(1, len(potentials) + 1)
    for output, line in enumerate(potentials.T):
        axes.plot(
            steps,
            line,
            color=COLOURS[output % len(COLOURS)],
            linestyle=LINES[output // len(COLOURS) % len(LINES)],
            linewidth=2.4 if output == action else 1.2,
            label=f"action {output}" + (" (chosen)" if output == action else ""),
        )
    axes.axhline(0.0, color="0.7", linewidth=0.8, zorder=0)
    axes.set_xlabel("time step")
    axes.set_ylabel("output potential")
    # Beside the lines, which would run behind it anywhere inside.
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize="small")
