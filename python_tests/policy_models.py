"""Two models that the tests of policy files share."""

from __future__ import annotations

from typing import Any

import numpy as np

from dsqn_fast.conversion.options import Dynamics, Recipe
from dsqn_fast.conversion.scaling import build_model
from dsqn_fast.model import (
    AnnModel,
    AveragePool2d,
    Conv2d,
    Dense,
    EarlyExit,
    Flatten,
    Neuron,
    SpikingLayer,
    SpikingModel,
)


def small_model(**changes: Any) -> SpikingModel:
    rng = np.random.default_rng(3)
    layers = [
        Dense(weight=rng.normal(size=shape), bias=rng.normal(size=shape[1]))
        for shape in ((4, 5), (5, 2))
    ]
    arguments = {
        "layers": tuple(SpikingLayer(connection=layer) for layer in layers),
        "input_shape": (4,),
        "n_steps": 8,
        "source": AnnModel(layers=tuple(layers), input_shape=(4,)),
        "env_id": "CartPole-v1",
    }
    return SpikingModel(**(arguments | changes))


def version_1_model() -> SpikingModel:
    """The model in fixtures/policy_v1.npz, which `version_1_model().save(path)` wrote."""

    def values(shape: tuple[int, ...], step: float, dtype: Any = np.float32) -> np.ndarray:
        count = int(np.prod(shape))
        scrambled = (np.arange(count) * 7919) % 101 - 50
        return (scrambled * step).reshape(shape).astype(dtype)

    def network(scale: float) -> tuple[Any, ...]:
        return (
            Conv2d(
                weight=values((2, 3, 2, 3), 0.125 * scale),
                bias=values((3,), 0.25 * scale),
                stride=(1, 2),
                padding=(1, 0),
            ),
            AveragePool2d(kernel=(2, 1), stride=(2, 1)),
            Flatten(),
            Dense(weight=values((27, 4), 0.0625 * scale, np.float64), bias=values((4,), 0.1)),
            Dense(weight=values((4, 2), 0.03), bias=values((2,), 1e-3, np.float64)),
        )

    conv, pool, flatten, hidden, output = network(1.0)
    return SpikingModel(
        layers=(
            SpikingLayer(connection=conv, threshold=np.array([0.5, 1, 2], np.float32)),
            pool,
            flatten,
            SpikingLayer(connection=hidden, initial_potential=values((4,), 0.01, np.float64)),
            SpikingLayer(connection=output, scale=np.float64(3.5)),
        ),
        input_shape=(5, 7, 2),
        n_steps=32,
        neuron=Neuron(alpha=0.25, beta=0.5, spikes="burst", burst_limit=7),
        timing="nest",
        encoding="poisson",
        early_exit=EarlyExit(kappa=1.5, spread=0.125),
        channels_first=True,
        env_id="Größe-v0",
        preprocessing={"name": "stack", "frames": 2, "gray": True, "crop": None},
        source=AnnModel(
            layers=network(2.0),
            input_shape=(5, 7, 2),
            channels_first=True,
            provenance={"file": "source.zip"},
        ),
        provenance={"created": "2026-01-31T12:00:00Z", "seeds": [1, 2**100], "rate": 0.1},
    )


def scaled_model(seed: int = 5) -> SpikingModel:
    """A converted convolutional network: the spiking weights are the source's, scaled."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    source = AnnModel(
        layers=(
            Conv2d(weight=normal(2, 2, 1, 3), bias=normal(3)),
            AveragePool2d(kernel=(2, 2), stride=(2, 2)),
            Flatten(),
            Dense(weight=normal(12, 4), bias=normal(4)),
            Dense(weight=normal(4, 2), bias=normal(2)),
        ),
        input_shape=(5, 5, 1),
    )
    scales = [np.abs(normal(3)) + 1, np.abs(normal(4)) + 1, np.float32(2.5)]
    return build_model(
        source,
        [np.asarray(scale) for scale in scales],
        dynamics=Dynamics(),
        recipe=Recipe(),
        n_steps=8,
    )
