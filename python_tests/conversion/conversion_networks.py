"""Small source networks for the tests of conversion."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from dsqn_fast.model import AnnModel, AveragePool2d, Conv2d, Dense, Flatten


def _array(rng: np.random.Generator, *shape: int) -> np.ndarray:
    fan_in = int(np.prod(shape[:-1])) if len(shape) > 1 else 10
    return (rng.normal(size=shape) / np.sqrt(fan_in)).astype(np.float32)


def dense_network(sizes: tuple[int, ...] = (4, 24, 24, 3), seed: int = 0) -> AnnModel:
    rng = np.random.default_rng(seed)
    layers = tuple(
        Dense(weight=_array(rng, n_in, n_out), bias=_array(rng, n_out))
        for n_in, n_out in pairwise(sizes)
    )
    return AnnModel(layers=layers, input_shape=(sizes[0],))


def image_network(seed: int = 0) -> AnnModel:
    rng = np.random.default_rng(seed)
    layers = (
        Conv2d(weight=_array(rng, 3, 3, 2, 5), bias=_array(rng, 5), padding=(1, 1)),
        AveragePool2d(kernel=(2, 2), stride=(2, 2)),
        Conv2d(weight=_array(rng, 2, 2, 5, 4), bias=_array(rng, 4)),
        Flatten(),
        Dense(weight=_array(rng, 36, 7), bias=_array(rng, 7)),
        Dense(weight=_array(rng, 7, 3), bias=_array(rng, 3)),
    )
    return AnnModel(layers=layers, input_shape=(8, 8, 2))


def observations_for(ann: AnnModel, count: int = 200, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, *ann.input_shape)).astype(np.float32)
