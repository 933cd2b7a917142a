"""The peers: the same simulation as a good NumPy user would write it.

Both hoist the current of the first layer, work in place on preallocated arrays, handle a batch at
once and leave the products to BLAS, which adds in an order of its own. They know one kind of
network only: dense integrate-and-fire layers, reset by subtraction, timing ``instant``, constant
current, actions by final potential. They return what the comparison needs: the final potentials
(B, n_out) and, per spiking layer, the spike counts (B, n).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.model import SpikingModel

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Layer:
    """Weights (n_in, n), bias, threshold and start potential (n,) of one layer, float32."""

    weight: Floats
    bias: Floats
    threshold: Floats
    start: Floats


def layers_of(model: SpikingModel) -> list[Layer]:
    """The arrays of a model."""
    layers = []
    for population in model.populations:
        bias = population.connection.bias
        arrays = (bias, population.threshold, population.initial_potential)
        full = [np.broadcast_to(a, bias.shape).astype(np.float32) for a in arrays]
        layers.append(Layer(population.connection.weight.astype(np.float32), *full))
    return layers


def step_by_step(
    layers: list[Layer], observations: Floats, n_steps: int
) -> tuple[Floats, list[Floats]]:
    """The loop over time: each step updates every layer. This is the peer."""
    first, *others = layers
    last = len(others) - 1
    batch = len(observations)
    constant = observations @ first.weight + first.bias
    v = [np.tile(layer.start, (batch, 1)) for layer in layers]
    current, reset, spikes, counts = ([np.zeros_like(a) for a in v] for _ in range(4))
    for _ in range(n_steps):
        v[0] += constant
        np.greater_equal(v[0], first.threshold, out=spikes[0])
        np.multiply(spikes[0], first.threshold, out=reset[0])
        v[0] -= reset[0]
        counts[0] += spikes[0]
        for index, layer in enumerate(others):
            here = index + 1
            np.matmul(spikes[index], layer.weight, out=current[here])
            current[here] += layer.bias
            v[here] += current[here]
            if index == last:
                break
            np.greater_equal(v[here], layer.threshold, out=spikes[here])
            np.multiply(spikes[here], layer.threshold, out=reset[here])
            v[here] -= reset[here]
            counts[here] += spikes[here]
    return v[-1], counts[:-1]


def layer_by_layer(
    layers: list[Layer], observations: Floats, n_steps: int
) -> tuple[Floats, list[Floats]]:
    """All steps of a layer before the next layer: one product per layer, a stronger peer."""
    batch = len(observations)
    constant = observations @ layers[0].weight + layers[0].bias
    current = np.broadcast_to(constant, (n_steps, *constant.shape))
    counts = []
    for layer, following in pairwise(layers):
        v = np.tile(layer.start, (batch, 1))
        spikes, reset = np.empty(current.shape, np.float32), np.empty_like(v)
        for step in range(n_steps):
            now = spikes[step]
            v += current[step]
            np.greater_equal(v, layer.threshold, out=now)
            np.multiply(now, layer.threshold, out=reset)
            v -= reset
        counts.append(spikes.sum(axis=0))
        if following is layers[-1]:
            break
        current = spikes.reshape(-1, spikes.shape[-1]) @ following.weight + following.bias
        current = current.reshape(n_steps, batch, -1)
    # The output layer never spikes, so its potential needs the number of spikes only.
    output = layers[-1]
    return output.start + n_steps * output.bias + counts[-1] @ output.weight, counts
