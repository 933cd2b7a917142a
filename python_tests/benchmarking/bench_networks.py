"""Small networks whose sums are exact in any order: weights are multiples of 1/16.

Biases of hidden layers are a little more than that, so that no potential of 31 steps or fewer ever
equals its threshold, even after a reset to zero: peers that fire above it agree with those that
fire at it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dsqn_fast.model import AnnModel, Conv2d, Dense, Flatten, SpikingLayer, SpikingModel
from dsqn_fast.model.layers import Connection, Shape, Weighted


def dyadic(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return (rng.integers(-10, 11, shape) / 16).astype(np.float32)


def dense(rng: np.random.Generator, n_in: int, n_out: int) -> Dense:
    return Dense(weight=dyadic(rng, n_in, n_out), bias=dyadic(rng, n_out))


def convolution(
    rng: np.random.Generator, size: tuple[int, int], channels: tuple[int, int], padding: int
) -> Conv2d:
    stride = (2, 1)
    weight = dyadic(rng, *size, *channels) / 2
    return Conv2d(
        weight=weight, bias=dyadic(rng, channels[1]), stride=stride, padding=(padding, padding)
    )


def spiking(connection: Weighted, rng: np.random.Generator) -> SpikingLayer:
    """Thresholds that are powers of two: dividing by them is exact."""
    threshold = rng.choice([0.5, 1.0, 2.0], connection.bias.shape).astype(np.float32)
    lifted = replace(connection, bias=connection.bias + np.float32(2.0**-14))
    return SpikingLayer(
        connection=lifted, threshold=threshold, initial_potential=threshold / np.float32(2)
    )


def model_of(layers: list[Connection], shape: Shape, rng: np.random.Generator) -> SpikingModel:
    made = [layer if isinstance(layer, Flatten) else spiking(layer, rng) for layer in layers]
    source = AnnModel(layers=tuple(layers), input_shape=shape)
    return SpikingModel(layers=tuple(made), input_shape=shape, n_steps=20, source=source)


def dense_model() -> tuple[SpikingModel, np.ndarray]:
    """[5, 7, 6, 3] and six observations."""
    rng = np.random.default_rng(1)
    layers: list[Connection] = [dense(rng, 5, 7), dense(rng, 7, 6), dense(rng, 6, 3)]
    return model_of(layers, (5,), rng), dyadic(rng, 6, 5)


def image_model(padding: int = 1) -> tuple[SpikingModel, np.ndarray]:
    """Two convolutions of odd sizes and two dense layers, and six images 9 x 7 x 2."""
    rng = np.random.default_rng(2)
    first = convolution(rng, (3, 2), (2, 5), padding)
    second = convolution(rng, (2, 3), (5, 4), padding)
    shape: Shape = (9, 7, 2)
    flat = int(np.prod(second.output_shape(first.output_shape(shape))))
    layers: list[Connection] = [first, second, Flatten(), dense(rng, flat, 8), dense(rng, 8, 3)]
    return model_of(layers, shape, rng), dyadic(rng, 6, *shape)
