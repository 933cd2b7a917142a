"""Networks from a seed, for where no trained one lies, at a chosen density of spikes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.engine import Engine
from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.layers import Connection, Conv2d, Dense, Flatten
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.model.spiking_layer import SpikingLayer

Floats = NDArray[np.float32]
ITERATIONS: Final = 6
NATURE_CONVOLUTIONS: Final = ((8, 4, 32, 4), (4, 32, 64, 2), (3, 64, 64, 1))
"""Kernel, channels in, channels out, stride (Mnih et al., Nature 518, 2015)."""


def random_mlp(widths: Sequence[int], rng: np.random.Generator) -> AnnModel:
    """A ReLU network of dense layers with normal weights of variance 2 / n_in (He 2015)."""
    return AnnModel(
        layers=tuple(_dense(n_in, n_out, rng) for n_in, n_out in pairwise(widths)),
        input_shape=(widths[0],),
    )


def random_nature_cnn(n_actions: int, rng: np.random.Generator) -> AnnModel:
    """The convolutional network of DQN for 84 x 84 x 4 images, weights as in `random_mlp`."""
    layers: list[Connection] = []
    for kernel, n_in, n_out, stride in NATURE_CONVOLUTIONS:
        shape = (kernel, kernel, n_in, n_out)
        weight = rng.normal(0, np.sqrt(2 / (kernel * kernel * n_in)), shape).astype(np.float32)
        bias = rng.normal(0, 0.02, n_out).astype(np.float32)
        layers.append(Conv2d(weight=weight, bias=bias, stride=(stride, stride)))
    layers += [Flatten(), _dense(3136, 512, rng), _dense(512, n_actions, rng)]
    return AnnModel(layers=tuple(layers), input_shape=(84, 84, 4))


def random_frames(n: int, rng: np.random.Generator) -> Floats:
    """(n, 84, 84, 4) in [0, 1]: patches of 7 x 7 pixels, two thirds of them dark."""
    patches = rng.uniform(0, 1, (n, 12, 12, 4)) * (rng.uniform(0, 1, (n, 12, 12, 4)) < 1 / 3)
    return np.ascontiguousarray(patches.repeat(7, axis=1).repeat(7, axis=2), dtype=np.float32)


def with_density(model: SpikingModel, observations: Floats, density: float) -> SpikingModel:
    """``model`` with other scales of its hidden layers, so that each has the density wanted.

    Layer after layer, the scale is corrected by (rate seen / rate wanted) a few times. What
    the network computes stays: the next layer's weights are multiplied by what a layer's are
    divided by (`dsqn_fast.conversion.scaling` with other lambdas).

    Args:
        model: A spiking network with thresholds of 1.
        observations: (B, *shape) on which the density is measured.
        density: Spikes per neuron and step that each hidden layer shall reach.
    """
    populations = [i for i, layer in enumerate(model.layers) if isinstance(layer, SpikingLayer)]
    for number, (index, following) in enumerate(pairwise(populations)):
        for _ in range(ITERATIONS):
            counts = Engine(model).run(observations).spike_counts[number]
            seen = float(counts.mean()) / model.n_steps
            factor = np.float32(np.clip(seen / density, 0.25, 4.0))
            model = _multiply(model, index, 1 / factor, bias_too=True)
            model = _multiply(model, following, factor, bias_too=False)
    return model


def _multiply(
    model: SpikingModel, index: int, factor: np.float32, *, bias_too: bool
) -> SpikingModel:
    layer = model.layers[index]
    assert isinstance(layer, SpikingLayer)
    old = layer.connection
    bias = old.bias * factor if bias_too else old.bias
    scale = layer.scale / factor if bias_too else layer.scale
    connection = replace(old, weight=old.weight * factor, bias=bias)
    changed = replace(layer, connection=connection, scale=scale)
    return model.replace(layers=(*model.layers[:index], changed, *model.layers[index + 1 :]))


def _dense(n_in: int, n_out: int, rng: np.random.Generator) -> Dense:
    return Dense(
        weight=rng.normal(0, np.sqrt(2 / n_in), (n_in, n_out)).astype(np.float32),
        bias=rng.normal(0, 0.1, n_out).astype(np.float32),
    )
