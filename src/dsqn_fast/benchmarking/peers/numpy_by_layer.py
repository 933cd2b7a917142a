"""All steps of a layer before the next layer, in NumPy: one product per layer."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from dsqn_fast.benchmarking.peers.folded import PlainLayer, plain_layers
from dsqn_fast.benchmarking.peers.numpy_loop import image_windows, input_current
from dsqn_fast.benchmarking.peers.peer import Floats, Peer
from dsqn_fast.model.spiking import SpikingModel

BLOCK: Final = 2**22
"""Most values of the matrix of windows of a convolution; more would fall out of the cache."""


class NumpyByLayer(Peer):
    """Spikes of all steps, then the product with the weights of the next layer."""

    title = "NumPy by layer"
    distribution = "numpy"
    modules = ("numpy",)

    def prepare(self, model: SpikingModel, n_steps: int, batch: int) -> None:
        """Allocate the spikes of every layer."""
        self._layers = plain_layers(model)
        self._n_steps = n_steps
        self._spikes = [
            np.empty((n_steps, batch, *layer.output_shape), np.float32)
            for layer in self._layers[:-1]
        ]

    def decide(self, observations: Floats) -> Floats:
        """Final potentials of the outputs, from how often each of their inputs spiked."""
        constant = input_current(self._layers[0], observations)
        current = np.broadcast_to(constant, (self._n_steps, *constant.shape))
        for index, layer in enumerate(self._layers[:-1]):
            spikes = self._spikes[index]
            self._fire(layer, current, spikes)
            if index < len(self._layers) - 2:
                current = _currents(self._layers[index + 1], spikes)
        output = self._layers[-1]
        counts = spikes.sum(axis=0).reshape(len(observations), -1)
        potentials: Floats = output.start + self._n_steps * output.bias + counts @ output.weight
        return potentials

    @staticmethod
    def _fire(layer: PlainLayer, current: Floats, spikes: Floats) -> None:
        v = np.broadcast_to(layer.start, current.shape[1:]).copy()
        for now, arriving in zip(spikes, current, strict=True):
            v += arriving
            np.greater_equal(v, 1, out=now)
            v -= now


def _currents(layer: PlainLayer, spikes: Floats) -> Floats:
    """Currents (T, B, *output shape) for spikes (T, B, *shape)."""
    steps, batch = spikes.shape[:2]
    weight = layer.weight.reshape(-1, layer.weight.shape[-1])
    if layer.is_dense:
        current: Floats = spikes.reshape(steps * batch, -1) @ weight + layer.bias
        return current.reshape(steps, batch, *layer.output_shape)
    (rows, columns), shape = layer.padding, (steps * batch, *layer.input_shape)
    images = np.pad(spikes.reshape(shape), ((0, 0), (rows, rows), (columns, columns), (0, 0)))
    current = np.empty((steps * batch, *layer.output_shape), np.float32)
    per_image = len(weight) * math.prod(layer.output_shape[:2])
    block = max(1, BLOCK // per_image)
    for start in range(0, len(images), block):
        windows = image_windows(images[start : start + block], layer)
        matrix = windows.reshape(*windows.shape[:3], -1)
        np.add(matrix @ weight, layer.bias, out=current[start : start + block])
    return current.reshape(steps, batch, *layer.output_shape)
