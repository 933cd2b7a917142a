"""The loop over time as a good NumPy user would write it: this is what ratios are quoted for.

The current of the first layer is hoisted out of the loop, arrays are allocated once, everything
works in place, a batch is handled at once and the products are left to BLAS. A convolution copies
its windows into one matrix and is one product.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.benchmarking.peers.folded import PlainLayer, plain_layers
from dsqn_fast.benchmarking.peers.peer import Floats, Peer
from dsqn_fast.model.spiking import SpikingModel


def image_windows(images: Floats, layer: PlainLayer) -> NDArray[np.float32]:
    """View (B, rows, columns, kernel height, kernel width, channels) of padded images."""
    height, width = layer.weight.shape[:2]
    view = np.lib.stride_tricks.sliding_window_view(images, (height, width), axis=(1, 2))
    return view[:, :: layer.stride[0], :: layer.stride[1]].transpose(0, 1, 2, 4, 5, 3)


def input_current(layer: PlainLayer, observations: Floats) -> Floats:
    """Current (B, *output shape) of the first layer, bias included."""
    if layer.is_dense:
        current: Floats = observations.reshape(len(observations), -1) @ layer.weight + layer.bias
        return current
    (rows, columns) = layer.padding
    margins = ((0, 0), (rows, rows), (columns, columns), (0, 0))
    windows = image_windows(np.pad(observations, margins), layer)
    weight = layer.weight.reshape(-1, layer.weight.shape[3])
    values: Floats = windows.reshape(*windows.shape[:3], -1) @ weight + layer.bias
    return values


class _Step:
    """One layer after the first: spikes in, current out, in arrays of its own."""

    def __init__(self, layer: PlainLayer, batch: int) -> None:
        self._bias = layer.bias
        self._weight = layer.weight.reshape(-1, layer.weight.shape[-1])
        self.current = np.zeros((batch, *layer.output_shape), np.float32)
        rows, columns = layer.padding
        if layer.is_dense:
            self.arriving = np.zeros((batch, *layer.input_shape), np.float32)
            self._windows = None
            self._matrix = self.arriving.reshape(batch, -1)
        else:
            height, width, channels = layer.input_shape
            padded = np.zeros((batch, height + 2 * rows, width + 2 * columns, channels), np.float32)
            self.arriving = padded[:, rows : rows + height, columns : columns + width]
            self._windows = image_windows(padded, layer)
            self._copy = np.zeros(self._windows.shape, np.float32)
            self._matrix = self._copy.reshape(batch * math.prod(layer.output_shape[:2]), -1)
        self._out = self.current.reshape(len(self._matrix), -1)

    def __call__(self) -> Floats:
        """The current for the spikes in ``arriving``."""
        if self._windows is not None:
            np.copyto(self._copy, self._windows)
        np.matmul(self._matrix, self._weight, out=self._out)
        self._out += self._bias
        return self.current


class NumpyLoop(Peer):
    """Each step updates every layer."""

    title = "NumPy loop"
    distribution = "numpy"
    modules = ("numpy",)

    def prepare(self, model: SpikingModel, n_steps: int, batch: int) -> None:
        """Allocate potentials, spikes and currents."""
        self._layers = plain_layers(model)
        self._n_steps = n_steps
        self._steps = [_Step(layer, batch) for layer in self._layers[1:]]
        self._start = [
            np.broadcast_to(layer.start, (batch, *layer.output_shape)) for layer in self._layers
        ]
        self._v = [np.empty(start.shape, np.float32) for start in self._start]
        # A layer writes its spikes where the next one reads them, flattened or not.
        self._spikes = [
            step.arriving.reshape(v.shape) if step.arriving.ndim != v.ndim else step.arriving
            for step, v in zip(self._steps, self._v[:-1], strict=True)
        ]

    def decide(self, observations: Floats) -> Floats:
        """Final potentials of the outputs."""
        constant = input_current(self._layers[0], observations)
        for v, start in zip(self._v, self._start, strict=True):
            np.copyto(v, start)
        for _ in range(self._n_steps):
            current = constant
            for v, spikes, step in zip(self._v, self._spikes, self._steps, strict=False):
                v += current
                np.greater_equal(v, 1, out=spikes)
                v -= spikes
                current = step()
            self._v[-1] += current
        return self._v[-1].copy()
