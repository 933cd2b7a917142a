"""Weights in units of spikes: every input by its own channel's scale."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from random_decisions import random_model

from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.layers import Dense
from dsqn_fast.model.scaling import passed_on, scaled_weight
from dsqn_fast.model_io import load_policy, save_policy


def test_a_flattened_image_repeats_the_scales_of_its_channels() -> None:
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(4 * 3 * 5, 7)).astype(np.float32)
    before = rng.uniform(0.5, 2, 5).astype(np.float32)
    scale = rng.uniform(0.5, 2, 7).astype(np.float32)
    repeated = passed_on(before, True, (4, 3, 5))
    wanted = weight * repeated[:, np.newaxis] / scale
    np.testing.assert_array_equal(scaled_weight(weight, before, scale), wanted)
    np.testing.assert_array_equal(scaled_weight(weight, repeated, scale), wanted)
    assert scaled_weight(weight[:, :0], before, scale[:0]).shape == (60, 0)


def test_a_source_of_other_widths_is_stored_beside_the_spiking_weights(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    model = random_model(rng, (4, 5, 2), n_steps=8)
    source = AnnModel(
        layers=tuple(
            Dense(weight=rng.normal(size=shape), bias=np.zeros(shape[1]))
            for shape in ((4, 7), (7, 2))
        ),
        input_shape=(4,),
    )
    layers = (replace(model.layers[0], scale=np.ones(5)), *model.layers[1:])
    save_policy(
        model.replace(layers=layers, source=source), tmp_path / "p.npz", weights_dtype="int8"
    )
    loaded = load_policy(tmp_path / "p.npz")
    np.testing.assert_array_equal(
        loaded.layers[0].connection.weight, model.layers[0].connection.weight
    )
