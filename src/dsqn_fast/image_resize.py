"""Shrinking of images by the mean over the area that each new pixel covers."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

_SLIVER = 1e-3
"""Smallest part of a pixel that counts, as in OpenCV's INTER_AREA."""


def resize_area(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Shrink a grey image, with the weights and the order of additions of OpenCV's INTER_AREA.

    Args:
        image: (rows, columns) uint8.
        height: Rows of the result, at most those of the image.
        width: Columns of the result, likewise.

    Returns:
        (height, width) uint8, rounded to the nearest, halves to even.
    """
    columns, column_weights = _taps(image.shape[1], width)
    rows, row_weights = _taps(image.shape[0], height)
    pixels = image.astype(np.float32)
    narrow = pixels[:, columns[0]] * column_weights[0]
    for index, weight in zip(columns[1:], column_weights[1:], strict=True):
        narrow += pixels[:, index] * weight
    small = narrow[rows[0]] * row_weights[0][:, np.newaxis]
    for index, weight in zip(rows[1:], row_weights[1:], strict=True):
        small += narrow[index] * weight[:, np.newaxis]
    shrunk: NDArray[np.uint8] = np.rint(small).astype(np.uint8)
    return shrunk


@cache
def _taps(n_old: int, n_new: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Old pixels below each new one and their shares: (taps, n_new) each, 0 where unused."""
    scale = n_old / n_new
    taps = [_covered(i * scale, (i + 1) * scale, n_old) for i in range(n_new)]
    most = max(map(len, taps))
    index = np.zeros((most, n_new), np.intp)
    share = np.zeros((most, n_new), np.float32)
    for new, covered in enumerate(taps):
        for tap, (old, weight) in enumerate(covered):
            index[tap, new], share[tap, new] = old, weight
    return index, share


def _covered(begin: float, end: float, n_old: int) -> list[tuple[int, float]]:
    """Old pixels between two places, each with its share of the length between them."""
    size = min(end - begin, n_old - begin)
    last = min(int(np.floor(end)), n_old - 1)
    first = min(int(np.ceil(begin)), last)
    taps = [(first - 1, (first - begin) / size)] if first - begin > _SLIVER else []
    taps += [(old, 1.0 / size) for old in range(first, last)]
    if end - last > _SLIVER:
        taps.append((last, min(end - last, 1.0, size) / size))
    return taps
