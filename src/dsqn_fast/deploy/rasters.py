"""The picture of a verification: spikes of the engine beside those of the target."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from dsqn_fast.deploy.verify import Verification
from dsqn_fast.errors import OptionError
from dsqn_fast.figures import COLOURS, new_figure
from dsqn_fast.output_files import check_writable, write_whole

FORMATS = ("png", "pdf", "svg")


def check_picture(path: str | Path) -> None:
    """Refuse early what `draw_rasters` could not write.

    Raises:
        OptionError: The file has no picture's ending.
        OutputPathError: It cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    if Path(path).suffix.lstrip(".").lower() not in FORMATS:
        raise OptionError(f"a picture must end in .png, .pdf or .svg, not {Path(path).name!r}")
    check_writable(path)
    new_figure(1.0, 1.0)


def draw_rasters(found: Verification, path: str | Path) -> None:
    """Draw the decision that parts first: the engine's spikes left, the target's right.

    Args:
        found: A verification of a policy that the target supports.
        path: Where the picture goes.

    Raises:
        OptionError: There is nothing to draw, or the file has no picture's ending.
        OutputPathError: The file cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    check_picture(path)
    if not found.ours:
        raise OptionError(f"there are no spikes to draw: {found.report.verdict.sentence}")
    layers = sorted(found.ours)
    layers = [i for i in layers if i < layers[-1] or found.ours[i].any() or found.theirs[i].any()]
    figure = new_figure(11.0, 1.4 + 2.2 * len(layers))
    grid = figure.subplots(len(layers), 2, sharex=True, sharey="row", squeeze=False)
    for row, index in zip(grid, layers, strict=True):
        ours, theirs = found.ours[index], found.theirs[index]
        for axes, spikes, other in ((row[0], ours, theirs), (row[1], theirs, ours)):
            _raster(axes, spikes, other)
        row[0].set_ylabel(f"layer {index + 1}\n{ours.shape[1]} neurons")
        row[0].set_ylim(-0.7, ours.shape[1] - 0.3)
        row[0].locator_params(axis="both", integer=True)
    grid[0][0].set_title("engine")
    grid[0][1].set_title(f"{found.report.title} {found.report.version or ''}".strip())
    for axes in grid[-1]:
        axes.set_xlabel("time step")
    word = found.report.verdict.word
    figure.suptitle(f"{word}: decision {found.decision}; spikes of one side only in colour")
    picture = io.BytesIO()
    figure.savefig(picture, format=Path(path).suffix.lstrip(".").lower(), dpi=150)
    write_whole(path, picture.getvalue())


def _raster(axes: Any, spikes: Any, other: Any) -> None:
    """One mark per spike; spikes that the other side has not are marked apart."""
    size = float(np.clip(1200 / max(spikes.shape), 1.0, 40.0))
    for chosen, colour in ((spikes == other, COLOURS[-1]), (spikes != other, COLOURS[1])):
        step, neuron = np.nonzero(chosen & (spikes != 0))
        axes.scatter(step + 1, neuron, s=size, marker="|", color=colour)
    axes.set_xlim(0.5, len(spikes) + 0.5)
