"""Fixed point keeps its range in the worst case, rounds as it says, and refuses the rest."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from random_decisions import random_model
from simulators import assert_equal_results

from dsqn_fast.engine import Engine
from dsqn_fast.errors import OptionError, UnsupportedError
from dsqn_fast.fixed_point import packed_rows, to_fixed_point
from dsqn_fast.fixed_population import LARGEST_POTENTIAL, LARGEST_SUM
from dsqn_fast.model import (
    AveragePool2d,
    Conv2d,
    Dense,
    EarlyExit,
    Flatten,
    Neuron,
    SpikingLayer,
    SpikingModel,
)
from dsqn_fast.reference import simulate_reference


def _model(weight: np.ndarray, *, n_steps: int = 20, **options: object) -> SpikingModel:
    connection = Dense(weight=weight, bias=np.zeros(weight.shape[1]))
    return SpikingModel(
        layers=(SpikingLayer(connection=connection),),
        input_shape=(weight.shape[0],),
        n_steps=n_steps,
        encoding="equidistant",
        decoding="count",
        **options,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("n_steps", [1, 100, 10_000])
def test_nothing_can_overflow_when_every_input_spikes_at_every_step(
    bits: int, n_steps: int
) -> None:
    rng = np.random.default_rng(bits + n_steps)
    model = random_model(rng, (40, 3000, 65, 3), n_steps=n_steps, encoding="poisson")
    for population in to_fixed_point(model, weight_bits=bits).populations:
        weight = population.weight.astype(np.int64)
        assert np.abs(weight).max() < 2 ** (bits - 1)
        for start in range(0, len(weight), population.chunk_rows):
            chunk = weight[start : start + population.chunk_rows]
            assert np.maximum(chunk, 0).sum(axis=0).max() <= LARGEST_SUM
            assert np.maximum(-chunk, 0).sum(axis=0).max() <= LARGEST_SUM
        step = np.abs(weight).sum(axis=0) / 2 + np.abs(population.bias)
        assert (n_steps * step).max() <= LARGEST_POTENTIAL


def test_the_worst_case_runs_exactly() -> None:
    # Every input spikes at every step and pushes the same way: sums are at their limit.
    ones = np.ones((2, 3000))
    ones[:, ::2] = -1.0
    for sign in (-1.0, 1.0):
        model = _model(np.full((3000, 5), sign * 0.37) * ones[0, :, np.newaxis], n_steps=130)
        found = Engine(model, precision="fixed").run(ones, record="all")
        assert_equal_results(
            found, simulate_reference(model, ones, precision="fixed", record="all")
        )
        assert np.isfinite(found.potentials[0]).all()
        assert (np.sign(found.potentials[0][:, -1]) == sign).all()


def test_rows_after_an_image_are_summed_as_they_are_packed() -> None:
    # 17 channels are padded to 32: rows that are 1000 apart lie in chunks of their own otherwise.
    weight = np.full((1700, 2), 1e-3)
    weight[924:1084, 0] = 1
    passing = np.zeros((1, 1, 1, 17))
    passing[...] = 1.0
    layers = (
        SpikingLayer(connection=Conv2d(weight=passing, bias=np.zeros(17), stride=(1, 1))),
        Flatten(),
        SpikingLayer(connection=Dense(weight=weight, bias=np.zeros(2))),
    )
    model = SpikingModel(layers=layers, input_shape=(10, 10, 1), n_steps=50)
    ones = np.ones((1, 10, 10, 1), np.float32)
    found = Engine(model, precision="fixed").run(ones, record="all")
    assert_equal_results(found, simulate_reference(model, ones, precision="fixed", record="all"))
    assert found.outputs[0, 0] > 50 * 159
    population = to_fixed_point(model).populations[1]
    chunks = packed_rows(model, 2) // population.chunk_rows
    sums = [population.weight[chunks == i].astype(int).sum(axis=0).max() for i in set(chunks)]
    assert max(sums) <= LARGEST_SUM


def test_each_neuron_of_a_first_layer_has_room_for_its_own_current() -> None:
    # As after channel normalisation: some channels are a thousand times as large as others.
    rng = np.random.default_rng(5)
    first = rng.uniform(-1, 1, (4, 20)) * np.logspace(0, 3, 20)
    model = _model(first, n_steps=100).replace(encoding="constant", decoding="potential")
    model = model.replace(
        layers=(
            *model.layers,
            SpikingLayer(connection=Dense(weight=rng.uniform(-1, 1, (20, 3)), bias=np.zeros(3))),
        )
    )
    x = rng.uniform(-2, 2, (7, 4)).astype(np.float32)
    found = Engine(model, precision="fixed").run(x, record="all")
    assert_equal_results(found, simulate_reference(model, x, precision="fixed", record="all"))
    scales = to_fixed_point(model).populations[0].scale
    assert scales.max() / scales.min() > 10
    single = Engine(model).run(x).spike_counts[0]
    assert (np.abs(found.spike_counts[0] - single) <= 1).mean() > 0.99


@pytest.mark.parametrize("timing", ["instant", "spytorch"])
def test_one_neuron_with_large_weights_leaves_the_others_their_bits(timing: str) -> None:
    # As after channel normalisation: a channel that hardly ever fires has weights of 100 and more.
    rng = np.random.default_rng(6)
    model = random_model(rng, (5, 30, 20, 4), n_steps=32, timing=timing)
    hidden = model.layers[1]
    large = np.where(np.arange(20) == 7, 300.0, 1.0)
    connection = replace(hidden.connection, weight=hidden.connection.weight * large)
    model = model.replace(
        layers=(model.layers[0], replace(hidden, connection=connection), *model.layers[2:])
    )
    _, after, last = to_fixed_point(model).populations
    together = timing == "spytorch"
    assert (len(set(after.scale)) == 1) == together
    assert len(set(last.scale)) == 1
    weight = np.abs(after.weight.astype(int)).max(axis=0)
    assert (weight[np.arange(20) != 7] >= 100).all() != together
    x = rng.uniform(-1, 1, (64, 5)).astype(np.float32)
    found = Engine(model, precision="fixed").run(x, record="all")
    assert_equal_results(found, simulate_reference(model, x, precision="fixed", record="all"))


def test_a_large_exit_margin_is_reached() -> None:
    connection = Dense(weight=np.array([[1.0, -1.0]]), bias=np.zeros(2))
    model = SpikingModel(
        layers=(SpikingLayer(connection=connection),), input_shape=(1,), n_steps=100
    )
    model = model.replace(early_exit=EarlyExit(kappa=5000.0, spread=1.0))
    x = np.full((1, 1), 30.0, np.float32)
    for given in (x, x * 1.3):
        found = Engine(model, precision="fixed").run(given)
        assert_equal_results(found, simulate_reference(model, given, precision="fixed"))
        assert 1 < found.steps_used[0] <= 100


def test_multiples_of_a_power_of_two_are_kept_exactly() -> None:
    rng = np.random.default_rng(3)
    model = random_model(rng, (4, 30, 20, 3), n_steps=50, encoding="poisson")
    layers = [
        SpikingLayer(
            connection=Dense(
                weight=np.rint(layer.connection.weight * 64) / 64,
                bias=np.rint(layer.connection.bias * 64) / 64,
            ),
            threshold=np.maximum(np.rint(layer.threshold * 64), 1) / 64,
            initial_potential=np.rint(layer.initial_potential * 64) / 64,
        )
        for layer in model.populations
    ]
    dyadic = model.replace(layers=tuple(layers))
    x = rng.uniform(-1, 1, (9, 4)).astype(np.float32)
    fixed = Engine(dyadic, precision="fixed").run(x, record="all")
    exact = Engine(dyadic, precision="float64").run(x, record="all")
    assert_equal_results(fixed, exact)


def test_eight_bits_equal_the_reference() -> None:
    rng = np.random.default_rng(4)
    for sizes in ((4, 16, 16, 2), (5, 65, 33, 17)):
        model = random_model(rng, sizes, n_steps=70)
        x = rng.normal(0, 0.7, (9, sizes[0])).astype(np.float32)
        found = Engine(model, precision="fixed", weight_bits=8).run(x, record="all")
        wanted = simulate_reference(model, x, precision="fixed", weight_bits=8, record="all")
        assert_equal_results(found, wanted)
        assert max(len(np.unique(w)) for w in _hidden_weights(model)) <= 255


def _hidden_weights(model: SpikingModel) -> list[np.ndarray]:
    return [p.weight for p in to_fixed_point(model, weight_bits=8).populations]


def test_a_trained_policy_decides_alike(policies: Path) -> None:
    from dsqn_fast.model_io import load_policy

    model = load_policy(policies / "cartpole-dqn.npz")
    x = np.random.default_rng(0).normal(0, 0.5, (500, 4)).astype(np.float32)
    floats = Engine(model).run(x).actions
    assert (Engine(model, precision="fixed").run(x).actions == floats).mean() > 0.98


def test_refusals_name_both_values() -> None:
    leaky = random_model(np.random.default_rng(0), (2, 3, 2), n_steps=5, neuron=Neuron(beta=0.9))
    pooled = SpikingModel(
        layers=(
            AveragePool2d(kernel=(3, 1), stride=(1, 1)),
            Flatten(),
            SpikingLayer(connection=Dense(weight=np.ones((2, 2)), bias=np.zeros(2))),
        ),
        input_shape=(3, 2, 1),
        n_steps=5,
        encoding="poisson",
    )
    for model, words in ((leaky, "0.9"), (pooled, "not 3")):
        with pytest.raises(UnsupportedError, match=words):
            Engine(model, precision="fixed")
    plain = leaky.replace(neuron=Neuron())
    for bits in (4, 16.0, True, None, "16"):
        for precision in ("fixed", "float32"):
            for refused in (
                partial(Engine, plain),
                partial(simulate_reference, plain, np.zeros((1, 2))),
            ):
                with pytest.raises(OptionError, match=f"16 or 8, not {bits!r}"):
                    refused(precision=precision, weight_bits=bits)  # type: ignore[call-arg]
    with pytest.raises(OptionError, match=r"at most 5 .*not 6"):
        Engine(plain, precision="fixed").run(np.zeros((1, 2), np.float32), n_steps=6)
    with pytest.raises(OptionError, match="fewer than 15 levels"):
        to_fixed_point(_model(np.ones((1000, 2)), n_steps=2**24))
    for run in (Engine(plain, precision="fixed").run, _reference(plain)):
        with pytest.raises(OptionError, match=r"current of the first layer is -?\d.*e\+08, but"):
            run(np.full((1, 2), 1e9, np.float32))


def _reference(model: SpikingModel):  # type: ignore[no-untyped-def]
    return lambda x: simulate_reference(model, x, precision="fixed")
