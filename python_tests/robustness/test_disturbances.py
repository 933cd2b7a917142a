"""Disturbances of observations and of networks do what they say, to both kinds of network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from numpy.typing import NDArray

from dsqn_fast.conversion import convert
from dsqn_fast.engine import Engine
from dsqn_fast.errors import OptionError
from dsqn_fast.model import AnnModel, Conv2d, Dense, Flatten
from dsqn_fast.robustness.catalogue import disturbances_for
from dsqn_fast.robustness.networks import drop_neurons, flip_bits, quantise_weights
from dsqn_fast.robustness.observations import (
    Bar,
    DisturbedObservations,
    DroppedInput,
    GaussianNoise,
    SaltAndPepper,
)


class Still(gymnasium.Env[Any, Any]):
    """Always shows the same."""

    action_space = spaces.Discrete(2)

    def __init__(self, shown: NDArray[Any]) -> None:
        self.shown = shown
        self.observation_space = spaces.Box(0, 255, shown.shape, shown.dtype.type)

    def reset(self, **_: Any) -> tuple[Any, dict[str, Any]]:
        return self.shown.copy(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return self.shown.copy(), 1.5, False, True, {"told": action}


def _see(
    kind: type[DisturbedObservations], level: float, shown: NDArray[Any], seed: int = 0
) -> list[NDArray[Any]]:
    limits = (0.0, 255.0) if shown.ndim == 3 else (-np.inf, np.inf)
    env = kind(Still(shown), level, spread=np.array(255.0), limits=limits)
    first, _ = env.reset(seed=seed)
    second, reward, ended, cut, info = env.step(1)
    assert (reward, ended, cut, info) == (1.5, False, True, {"told": 1})
    return [first, second]


@pytest.mark.parametrize(("shape", "row_axis"), [((4, 84, 84), 1), ((80, 80, 1), 0)])
def test_a_bar_hides_three_rows(shape: tuple[int, ...], row_axis: int) -> None:
    shown = np.full(shape, 9, np.uint8)
    for seen in _see(Bar, 5, shown):
        rows = np.moveaxis(seen, row_axis, 0)
        assert seen.dtype == np.uint8
        assert not rows[5:8].any()
        assert (np.delete(rows, [5, 6, 7], axis=0) == 9).all()


def test_noise_has_its_deviation_and_stays_in_range() -> None:
    vector = _see(GaussianNoise, 0.1, np.zeros(4000))[1]
    assert abs(vector.std() - 25.5) < 1.5
    image = np.full((50, 50, 3), 250, np.uint8)
    first, second = _see(GaussianNoise, 0.1, image)
    assert first.dtype == np.uint8
    assert first.max() == 255
    assert first.min() < 220
    assert not np.array_equal(first, second), "noise is drawn anew at every step"
    np.testing.assert_array_equal(first, _see(GaussianNoise, 0.1, image)[0])
    assert not np.array_equal(first, _see(GaussianNoise, 0.1, image, seed=1)[0])


def test_salt_and_pepper_hit_their_share() -> None:
    seen = _see(SaltAndPepper, 0.2, np.full((100, 100, 1), 7, np.uint8))[1]
    values, counts = np.unique(seen, return_counts=True)
    assert values.tolist() == [0, 7, 255]
    np.testing.assert_allclose(counts / 1e4, [0.1, 0.8, 0.1], atol=0.02)


def test_a_dropped_input_is_zero() -> None:
    for seen in _see(DroppedInput, 2, np.arange(1.0, 5.0)):
        assert seen.tolist() == [1, 2, 0, 4]


@pytest.fixture(scope="module")
def network() -> AnnModel:
    rng = np.random.default_rng(0)

    def draw(*shape: int) -> Any:
        return rng.normal(size=shape).astype(np.float32)

    layers = (
        Conv2d(weight=draw(3, 3, 1, 6), bias=draw(6)),
        Flatten(),
        Dense(weight=draw(96, 20), bias=draw(20)),
        Dense(weight=draw(20, 3), bias=draw(3)),
    )
    return AnnModel(layers=layers, input_shape=(6, 6, 1))


@pytest.fixture(scope="module")
def seen() -> NDArray[np.float32]:
    return np.random.default_rng(1).random((300, 6, 6, 1), dtype=np.float32)


def test_both_kinds_lose_the_same_neurons(network: AnnModel, seen: Any) -> None:
    """A spiking network without some neurons computes what the network without them does."""
    policy = convert(network, seen, normalization="channel", n_steps=256)
    for seed in range(3):
        lost = drop_neurons(network, 0.4, seed)
        actions = lost.forward(seen).argmax(axis=1)
        found = Engine(drop_neurons(policy, 0.4, seed)).run(seen, n_steps=256)
        assert (found.actions == actions).mean() > 0.97
        silent = [(counts.reshape(300, -1) == 0).all(axis=0).sum() for counts in found.spike_counts]
        assert silent[0] >= 2 * 16, "0.4 of 6 channels of 16 neurons"
        assert silent[1] >= 8, "0.4 of 20 neurons"
    changed = [
        (drop_neurons(network, 0.4, s).forward(seen).argmax(1) != actions).any() for s in (0, 1)
    ]
    assert all(changed)


def test_the_output_is_not_dropped(network: AnnModel) -> None:
    lost = drop_neurons(network, 0.99, 0)
    before, after = network.layers[-1], lost.layers[-1]
    assert isinstance(before, Dense)
    assert isinstance(after, Dense)
    np.testing.assert_array_equal(before.weight, after.weight)
    hidden = lost.layers[2]
    assert isinstance(hidden, Dense)
    assert (hidden.bias != 0).sum() == 1, "one neuron is left"


def test_scales_of_the_outputs_change_nothing_that_is_rounded(network: AnnModel) -> None:
    """A neuron whose input weights are a thousand times another's is rounded like it."""
    layer = network.layers[2]
    assert isinstance(layer, Dense)
    factor = np.logspace(-3, 3, 20).astype(np.float32)
    scaled = replace(layer, weight=layer.weight * factor)
    layers = (*network.layers[:2], scaled, network.layers[3])
    rounded = quantise_weights(network, 4, 0).layers[2]
    found = quantise_weights(replace(network, layers=layers), 4, 0).layers[2]
    assert isinstance(found, Dense)
    assert isinstance(rounded, Dense)
    np.testing.assert_allclose(found.weight, rounded.weight * factor, rtol=1e-5)


@pytest.mark.parametrize("bits", [8, 6, 4])
def test_coarse_weights_are_the_nearest_of_few(network: AnnModel, bits: int) -> None:
    coarse = quantise_weights(network, bits, 0)
    for one, other in zip(network.layers, coarse.layers, strict=True):
        if isinstance(one, Flatten):
            continue
        assert isinstance(one, Dense | Conv2d)
        assert isinstance(other, Dense | Conv2d)
        axes = tuple(range(one.weight.ndim - 1))
        step = np.abs(one.weight).max(axis=axes) / (2 ** (bits - 1) - 1)
        assert (np.abs(other.weight - one.weight) <= step / 2 * 1.001).all()
        whole = other.weight / step
        np.testing.assert_allclose(whole, np.rint(whole), atol=1e-4)
        np.testing.assert_array_equal(one.bias, other.bias)
    with pytest.raises(OptionError, match="bits must be an integer from 2 to 16, not 1"):
        quantise_weights(network, 1, 0)


def test_flipped_bits(network: AnnModel) -> None:
    def weights(changed: AnnModel) -> NDArray[Any]:
        layer = changed.layers[2]
        assert isinstance(layer, Dense)
        return layer.weight

    stored = weights(quantise_weights(network, 8, 0))
    step = np.abs(weights(network)).max(axis=0) / 127
    np.testing.assert_array_equal(weights(flip_bits(network, 0.0, 0)), stored)
    # All bits of a two's complement w flipped are -w - 1.
    np.testing.assert_allclose(weights(flip_bits(network, 1.0, 0)), -stored - step, atol=1e-5)
    some = weights(flip_bits(network, 0.05, 0))
    assert abs((some != stored).mean() - (1 - 0.95**8)) < 0.04
    np.testing.assert_array_equal(some, weights(flip_bits(network, 0.05, 0)))


def test_what_fits_which_input(network: AnnModel) -> None:
    vector = AnnModel(
        layers=(Dense(weight=np.zeros((4, 2), np.float32), bias=np.zeros(2, np.float32)),),
        input_shape=(4,),
    )
    assert [one.name for one in disturbances_for(vector)] == [
        "gaussian-noise", "dropped-input", "dropped-neurons", "coarse-weights", "bit-flips",
    ]  # fmt: skip
    assert disturbances_for(vector, ["dropped-input"])[0].levels == (0, 1, 2, 3)
    assert disturbances_for(network, ["bar"])[0].levels == (0, 1, 2, 3)
    assert disturbances_for(network, ["bar"], bar_every=2)[0].levels == (0, 2)
    with pytest.raises(OptionError, match=r"'bar' is one of images, but .* shape \(4,\)"):
        disturbances_for(vector, ["bar"])
    with pytest.raises(OptionError, match="'dropped-input' is one of vectors"):
        disturbances_for(network, ["dropped-input"])
    with pytest.raises(OptionError, match="bar_every must be an integer of at least 1, not 0"):
        disturbances_for(network, bar_every=0)
    with pytest.raises(OptionError, match="noise"):
        disturbances_for(network, ["noise"])
