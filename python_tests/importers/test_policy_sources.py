"""Policies of this package as sources."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dsqn_fast.errors import ModelFileError, OptionError
from dsqn_fast.importers import load_ann
from dsqn_fast.model import SpikingLayer, SpikingModel


def plain(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    np.savez(folder / "net.npz", w0=rng.normal(size=(4, 8)), w1=rng.normal(size=(8, 2)))
    return folder / "net.npz"


def test_the_source_network_of_a_policy(tmp_path: Path) -> None:
    ann = load_ann(plain(tmp_path), env_id="CartPole-v1")
    layers = tuple(SpikingLayer(connection=layer) for layer in ann.layers)
    model = SpikingModel(layers=layers, input_shape=(4,), n_steps=8, source=ann)
    model.save(tmp_path / "policy.npz")
    again = load_ann(tmp_path / "policy.npz")
    x = np.random.default_rng(1).normal(size=(5, 4))
    np.testing.assert_array_equal(again.forward(x), ann.forward(x))
    assert again.env_id == "CartPole-v1"
    assert load_ann(tmp_path / "policy.npz", env_id="Other-v0").env_id == "Other-v0"
    with pytest.raises(OptionError, match="input_scale"):
        load_ann(tmp_path / "policy.npz", input_scale=2.0)
    model.replace(source=None).save(tmp_path / "policy.npz")
    with pytest.raises(ModelFileError, match="without the network"):
        load_ann(tmp_path / "policy.npz")


def test_a_network_in_memory_is_its_own_source(tmp_path: Path) -> None:
    ann = load_ann(plain(tmp_path))
    assert load_ann(ann).layers is ann.layers
    assert load_ann(ann, env_id="CartPole-v1").env_id == "CartPole-v1"


def test_a_header_that_is_none(tmp_path: Path) -> None:
    np.savez(tmp_path / "odd.npz", header=np.zeros(3))
    with pytest.raises(ModelFileError, match="odd"):
        load_ann(tmp_path / "odd.npz")
