"""The emulator, against cells simulated one by one and against the engine."""

from __future__ import annotations

import numpy as np
import pytest
from chip_cells import decide
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_models import version_1_model
from simulators import dense_model

from dsqn_fast.deploy.spinnaker.copies import Copies, count_copies
from dsqn_fast.deploy.spinnaker.emulator import Emulator
from dsqn_fast.deploy.spinnaker.layout import Layout, lay_out
from dsqn_fast.deploy.spinnaker.settings import SpinnakerSettings
from dsqn_fast.engine import Engine
from dsqn_fast.errors import OptionError
from dsqn_fast.model import Neuron, SpikingModel

SCALES = st.sampled_from([0.0, 1.0, 0.25, 3.0, 300.0])


def random_model(seed: int, **options: object) -> SpikingModel:
    rng = np.random.default_rng(seed)
    shapes = [(3, 5), (5, 4), (4, 2)]
    return dense_model(
        [rng.normal(size=shape) for shape in shapes],
        [rng.normal(size=shape[1]) * 0.3 for shape in shapes],
        thresholds=[rng.uniform(0.5, 1.5, shape[1]) for shape in shapes],
        starts=[rng.uniform(-0.5, 0.5, shape[1]) for shape in shapes],
        **({"n_steps": 12, "timing": "nest", "neuron": Neuron(reset="zero")} | options),
    )


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    tau_m=st.sampled_from([2.0**15, 100.0, 7.5]),
    scale=SCALES,
    sums=st.sampled_from(["true", "estimated"]),
    copies=st.booleans(),
    decoding=st.sampled_from(["potential", "count"]),
)
def test_every_cell_does_what_it_does_alone(
    seed: int, tau_m: float, scale: float, sums: str, copies: bool, decoding: str
) -> None:
    model = random_model(seed, decoding=decoding)
    seen = np.random.default_rng(seed).normal(size=(3, 3)) * 2
    counted = None
    if copies:
        cells = tuple(np.full(n, 3, np.int64) for n in (5, 4, 2))
        counted = Copies(cells=cells, at_once=(2, 2, 2))
    layout = lay_out(
        model,
        SpinnakerSettings(tau_m=tau_m, scale=scale, sums=sums),  # type: ignore[arg-type]
        copies=counted,
    )
    result = Emulator(layout).run(seen, n_steps=12, record=True)
    for row, observation in enumerate(seen):
        for index, wanted in enumerate(decide(layout, observation, 12)):
            np.testing.assert_array_equal(result.spikes[index][row], wanted)
            np.testing.assert_array_equal(result.spike_counts[index][row], wanted.sum(axis=0))


def planned(model: SpikingModel, seen: np.ndarray, reset: str, n_steps: int) -> Layout:
    copies = count_copies(model, seen, n_steps=n_steps) if reset == "copies" else None
    return lay_out(
        model,
        SpinnakerSettings(reset=reset),  # type: ignore[arg-type]
        copies=copies,
        observations=seen,
    )


@pytest.mark.parametrize("reset", ["zero", "copies"])
def test_sums_that_16_bits_hold_differ_by_the_leak_alone(reset: str) -> None:
    # Multiples of 1/64 and a scale of 1/4: weights and currents are not rounded. Potentials that
    # should reach a threshold exactly may miss it by the leak, and the spike comes a step later.
    rng = np.random.default_rng(0)
    shapes = [(3, 6), (6, 5), (5, 2)]
    model = dense_model(
        [rng.integers(-8, 9, shape) / 64 for shape in shapes],
        [rng.integers(-8, 9, shape[1]) / 64 for shape in shapes],
        starts=[np.full(shape[1], 0.25) for shape in shapes],
        n_steps=30,
        timing="nest",
        neuron=Neuron(reset="zero" if reset == "zero" else "subtraction"),
    )
    seen = rng.integers(-8, 9, (50, 3)) / 8
    settings_ = SpinnakerSettings(reset=reset, scale=0.25)  # type: ignore[arg-type]
    copies = count_copies(model, seen, n_steps=30) if reset == "copies" else None
    result = Emulator(lay_out(model, settings_, copies=copies)).run(seen, n_steps=30, record=True)
    wanted = Engine(model, precision="float64").run(seen, record="all")
    assert wanted.spike_counts[1].sum() > 100
    for ours, theirs in zip(wanted.spike_counts, result.spike_counts, strict=True):
        assert np.abs(ours - theirs).max() <= 1
        assert (ours != theirs).mean() <= 0.05
    assert result.saturated == result.overflowed == result.exhausted == 0
    np.testing.assert_allclose(result.potentials, wanted.outputs, atol=0.3)


def test_copies_bring_back_what_a_reset_to_zero_loses() -> None:
    # 0.72 per step: subtraction spikes 7 times in 10 steps, a reset to zero 5 times.
    model = dense_model([[[0.72]], [[1.0]]], n_steps=10, timing="nest")
    seen = np.ones((1, 1))
    counts = {
        reset: Emulator(planned(model, seen, reset, 10)).run(seen, n_steps=10).spike_counts[0]
        for reset in ("zero", "copies")
    }
    assert (counts["zero"].item(), counts["copies"].item()) == (5, 7)


def test_a_step_of_delay_lies_between_populations() -> None:
    model = dense_model([[[1.0]], [[1.0]], [[1.0]]], n_steps=4, timing="nest")
    seen = np.full((1, 1), 1.0)
    result = Emulator(planned(model, seen, "zero", 4)).run(seen, n_steps=4, record=True)
    assert result.spikes[0][0, :, 0].tolist() == [1, 1, 1, 1]
    assert result.spikes[1][0, :, 0].tolist() == [0, 1, 1, 1]
    assert result.potentials[0, 0] == pytest.approx(2.0, abs=0.01)


def test_encoded_and_convolutional_policies_follow_the_engine() -> None:
    model = version_1_model().replace(
        neuron=Neuron(reset="zero"), early_exit=None, channels_first=False, source=None
    )
    seen = np.random.default_rng(1).uniform(-1, 1, (6, 5, 7, 2))
    layout = lay_out(model, SpinnakerSettings())
    keys = np.arange(10, 16, dtype=np.uint64)
    result = Emulator(layout).run(seen, n_steps=32, seed=5, decisions=keys, record=True)
    wanted = Engine(model, precision="float64").run(
        seen, n_steps=32, seed=5, decisions=keys, record="all"
    )
    assert wanted.spike_counts[0].sum() > 500
    differing = int((result.spikes[0] != wanted.spikes[0]).sum())
    assert differing <= 0.02 * wanted.spike_counts[0].sum()


def test_what_does_not_fit_is_counted() -> None:
    model = dense_model([[[1.0]], [[1.0]]], n_steps=3, timing="nest")
    seen = np.ones((2, 1))
    wide = lay_out(model, SpinnakerSettings(scale=64.0))
    assert Emulator(wide).run(seen, n_steps=3).overflowed > 0
    few = Copies(cells=(np.array([2]), np.array([1])), at_once=(1, 1))
    result = Emulator(lay_out(model, SpinnakerSettings(), copies=few)).run(seen, n_steps=3)
    assert result.exhausted == 2
    assert result.spike_counts[0].tolist() == [[2], [2]]


def test_saturation_is_counted() -> None:
    # Two cells of one neuron may spike at once, but shifts were made for one.
    model = dense_model([[[2.0]], [[0.9]]], n_steps=3, timing="nest")
    copies = Copies(cells=(np.array([6]), np.array([1])), at_once=(1, 1))
    layout = lay_out(model, SpinnakerSettings(scale=1.1), copies=copies)
    assert layout.populations[1].excitatory is not None
    assert layout.populations[1].excitatory.shift == 0
    assert Emulator(layout).run(np.full((1, 1), 1.5), n_steps=3).saturated > 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tau_m": 40000.0}, "tau_m must be from 1 to 32768 ms, not 40000"),
        ({"cm": -1.0}, "cm must be 0, or from"),
        ({"scale": 1e9}, "scale must be 0, or from"),
        ({"reset": "subtraction"}, "reset must be one of zero, copies, not 'subtraction'"),
    ],
)
def test_impossible_settings_are_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        SpinnakerSettings(**options)  # type: ignore[arg-type]
