"""One layer of a network applied to real-valued inputs, with NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.model.layers import AveragePool2d, Connection, Conv2d, Dense, Flatten

Floats = NDArray[np.floating]


def flattened(values: NDArray[Any], kept: int = 1) -> NDArray[Any]:
    """``values`` with the axes after the first ``kept`` ones joined, also where there are none."""
    return values.reshape(*values.shape[:kept], math.prod(values.shape[kept:]))


def windows(
    images: NDArray[Any],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
) -> NDArray[Any]:
    """View of all windows: (B, rows, columns, channels, kernel height, kernel width)."""
    if padding != (0, 0):
        rows, columns = padding
        images = np.pad(images, ((0, 0), (rows, rows), (columns, columns), (0, 0)))
    view = np.lib.stride_tricks.sliding_window_view(images, kernel, axis=(1, 2))
    return view[:, :: stride[0], :: stride[1]]


def apply_layer(layer: Connection, inputs: Floats) -> Floats:
    """Output (B, *shape) of ``layer`` for ``inputs`` (B, *shape), without activation."""
    if isinstance(layer, Dense):
        weight = layer.weight.astype(inputs.dtype, copy=False)
        return inputs @ weight + layer.bias.astype(inputs.dtype)
    if isinstance(layer, Conv2d):
        weight = layer.weight.astype(inputs.dtype, copy=False)
        view = windows(inputs, weight.shape[:2], layer.stride, layer.padding)
        patches = view.transpose(0, 1, 2, 4, 5, 3)
        rows = weight.reshape(math.prod(weight.shape[:3]), weight.shape[3])
        return flattened(patches, 3) @ rows + layer.bias.astype(inputs.dtype)
    if isinstance(layer, AveragePool2d):
        view = windows(inputs, layer.kernel, layer.stride, (0, 0))
        mean: Floats = view.mean(axis=(4, 5), dtype=inputs.dtype)
        return mean
    assert isinstance(layer, Flatten)
    return flattened(inputs)
