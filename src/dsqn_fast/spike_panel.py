"""The spikes of one decision as a small picture, fast enough for every frame of a film."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

_SPIKE: Final = np.array([86, 180, 233], np.float32)
_TAKEN_BACK: Final = np.array([213, 94, 0], np.float32)
_CHOSEN: Final = np.array([230, 159, 0], np.uint8)
_OTHER: Final = np.array([110, 110, 110], np.uint8)
_GAP: Final = 4


def spike_panel(
    spikes: Mapping[int, NDArray[np.int8]],
    outputs: NDArray[np.floating],
    *,
    height: int,
    width: int,
) -> Picture:
    """Draw a raster of every population over bars of the outputs.

    Time runs to the right. Where a population has more neurons than its block has rows, a row is
    as bright as the share of its neurons that spike, on a square root scale.

    Args:
        spikes: Population -> (steps, n) of one decision, as recorded.
        outputs: (n_actions,) of the same decision; the longest bar is the action.
        height: Rows of the picture.
        width: Columns of it.

    Returns:
        (height, width, 3) uint8.
    """
    panel = np.zeros((height, width, 3), np.uint8)
    output = max(spikes, default=0)  # which need not spike
    shown = [index for index in sorted(spikes) if index < output or spikes[index].any()]
    blocks = [spikes[index] for index in shown if spikes[index].size]
    bars = max(8, height // 8)
    left = height - bars - _GAP * (len(blocks) + 1)
    shares = np.array([1.0 + np.log2(block.shape[1]) for block in blocks])
    top = 0
    for block, share in zip(blocks, shares / max(shares.sum(), 1.0), strict=True):
        rows = max(1, int(left * share))
        panel[top : top + rows] = _raster(block, rows, width)[: height - top]
        top += rows + _GAP
    panel[height - bars :] = _bars(outputs, bars, width)
    return panel


def _raster(spikes: NDArray[np.int8], rows: int, width: int) -> Picture:
    """One population's block; the first neuron is at its top."""
    steps, neurons = spikes.shape
    signed = spikes.T.astype(np.float32)
    groups = min(rows, neurons)
    edges = np.linspace(0, neurons, groups + 1).astype(int)[:-1]
    size = np.diff(np.append(edges, neurons))[:, np.newaxis]
    picture = np.full((groups, steps, 3), 24, np.float32)
    for values, colour in ((signed, _SPIKE), (-signed, _TAKEN_BACK)):
        share = np.add.reduceat(np.clip(values, 0, 1), edges, axis=0) / size
        picture += np.sqrt(share)[..., np.newaxis] * colour
    row = np.arange(rows) * groups // rows
    column = np.arange(width) * steps // width
    drawn: Picture = np.clip(picture[row][:, column], 0, 255).astype(np.uint8)
    return drawn


def _bars(outputs: NDArray[np.floating], rows: int, width: int) -> Picture:
    """One horizontal bar per output, from the smallest output to the largest."""
    picture = np.zeros((rows, width, 3), np.uint8)
    low, high = float(outputs.min()), float(outputs.max())
    span = high - low if high > low else 1.0
    chosen = int(outputs.argmax())
    for index, output in enumerate(outputs):
        first, last = index * rows // len(outputs), (index + 1) * rows // len(outputs)
        length = 2 + int((width - 2) * (float(output) - low) / span)
        picture[first : max(first + 1, last - 1), :length] = _CHOSEN if index == chosen else _OTHER
    return picture
