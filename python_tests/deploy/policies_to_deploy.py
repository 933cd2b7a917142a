"""Policies of the thesis's networks, and small random ones, for all targets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dsqn_fast.conversion import convert
from dsqn_fast.importers import load_ann
from dsqn_fast.model import AveragePool2d, Conv2d, Dense, Flatten, SpikingLayer, SpikingModel


def thesis_policy(shared_data: Path, **options: Any) -> tuple[SpikingModel, np.ndarray]:
    """The thesis's CartPole DQN, converted, and 200 observations that it visited."""
    with np.load(shared_data / "thesis" / "cartpole_replay.npz") as file:
        seen = file["observations"]
    ann = load_ann(shared_data / "thesis" / "cartpole_dqn.npz", env_id="CartPole-v1")
    chosen = {"normalization": "thesis-robust", "percentile": 0.99, "initial_potential": "zero"}
    return convert(ann, seen, **(chosen | options)), seen[::100]


def thesis_dsqn(shared_data: Path) -> SpikingModel:
    """The thesis's DSQN; its constant input of 1 is the bias of the first layer."""
    with np.load(shared_data / "thesis" / "cartpole_dsqn.npz") as file:
        weights = [file[f"w{i}"] for i in range(3)]
    biases = [weights[0][4], *(np.zeros(w.shape[1], np.float32) for w in weights[1:])]
    weights[0] = weights[0][:4]
    pairs = zip(weights, biases, strict=True)
    layers = tuple(SpikingLayer(connection=Dense(weight=w, bias=b)) for w, b in pairs)
    return SpikingModel(
        layers=layers, input_shape=(4,), n_steps=20, timing="spytorch", env_id="CartPole-v1"
    )


def image_policy(seed: int = 0, **options: Any) -> tuple[SpikingModel, np.ndarray]:
    """A small convolutional policy with pooling between its layers, and 3 images."""
    rng = np.random.default_rng(seed)

    def floats(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.4, shape).round(3)

    layers = (
        SpikingLayer(
            connection=Conv2d(weight=floats(3, 3, 2, 3), bias=floats(3), padding=(1, 1)),
            threshold=np.array([0.7, 1.0, 1.2]),
        ),
        AveragePool2d(kernel=(2, 2), stride=(2, 2)),
        SpikingLayer(
            connection=Conv2d(weight=2 * floats(2, 2, 3, 2), bias=floats(2)),
            initial_potential=np.array([0.4, 0.5]),
        ),
        Flatten(),
        SpikingLayer(connection=Dense(weight=floats(8, 3), bias=floats(3))),
    )
    model = SpikingModel(layers=layers, input_shape=(6, 6, 2), n_steps=20, **options)
    return model, rng.random((3, 6, 6, 2)).round(2)
