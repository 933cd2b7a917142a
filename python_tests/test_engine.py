"""The engine equals the reference bit for bit, whatever runs it and however it is given."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from child_processes import output_of
from random_decisions import all_decisions, random_model
from simulators import SIMULATORS, assert_equal_results, digests, run_engine

from dsqn_fast.engine import Engine, active_isa, available_isas
from dsqn_fast.model import Neuron
from dsqn_fast.reference import simulate_reference


@pytest.fixture(scope="module")
def reference_digests() -> dict[str, dict[str, str]]:
    """Digests of what the reference computes for every random case."""
    return {
        case.name: digests(
            simulate_reference(case.model, case.observations, record="all", **case.options())
        )
        for case in all_decisions()
    }


@pytest.mark.slow
@pytest.mark.parametrize("isa", available_isas())
def test_engine_equals_reference(isa: str, reference_digests: dict[str, Any]) -> None:
    found = json.loads(output_of("-m", "engine_digests", DSQN_FORCE_ISA=isa))
    assert found["isa"] == isa
    assert list(found["digests"]) == list(reference_digests)
    for name, wanted in reference_digests.items():
        here = found["digests"][name]
        different = [key for key in wanted if here[key] != wanted[key]]
        assert list(here) == list(wanted)
        assert not different, f"{name}: {different} differ"


def test_the_random_cases_reach_what_they_are_for() -> None:
    cases = all_decisions()
    assert len({case.name for case in cases}) == len(cases)
    seen: dict[str, int] = {}
    for case in cases:
        result = run_engine(case.model, case.observations, record="all", **case.options())
        steps = case.model.n_steps - (case.model.timing == "spytorch")
        spikes = [s for s in result.spikes.values() if s.size]
        seen["spikes"] = seen.get("spikes", 0) + any(s.any() for s in spikes)
        seen["bursts"] = seen.get("bursts", 0) + any((s > 1).any() for s in spikes)
        seen["taken back"] = seen.get("taken back", 0) + any((s < 0).any() for s in spikes)
        seen["early"] = seen.get("early", 0) + bool((result.steps_used < steps).any())
        overflown = [p for p in result.potentials.values() if not np.isfinite(p).all()]
        seen["overflow"] = seen.get("overflow", 0) + bool(overflown)
        seen["nan"] = seen.get("nan", 0) + any(np.isnan(p).any() for p in overflown)
    wanted = {"spikes": 400, "bursts": 50, "taken back": 40, "early": 60, "overflow": 60, "nan": 15}
    assert {key for key in wanted if seen[key] < wanted[key]} == set(), seen


@pytest.fixture(scope="module")
def engine() -> Engine:
    """An engine whose decisions depend on every detail of the input."""
    rng = np.random.default_rng(11)
    return Engine(random_model(rng, (4, 17, 9, 3), n_steps=70, neuron=Neuron(beta=0.9)))


def test_any_array_of_real_numbers_is_an_observation(engine: Engine) -> None:
    whole = np.random.default_rng(12).integers(-3, 4, (5, 4))
    wanted = engine.run(whole.astype(np.float32))
    unaligned = np.frombuffer(b"x" + whole.astype(np.float32).tobytes(), np.uint8)[1:]
    wide = np.zeros((5, 8), np.float32)
    wide[:, ::2] = whole
    for given in (
        whole.astype(np.float64),
        whole.astype(np.int8),
        whole.astype(np.float16),
        whole.astype(np.longdouble),
        whole.astype(">f4"),
        np.asfortranarray(whole.astype(np.float32)),
        unaligned.view(np.float32).reshape(5, 4),
        wide[:, ::2],
        whole.astype(np.float32)[::-1][::-1],
        whole.tolist(),
    ):
        assert_equal_results(engine.run(given), wanted)
        assert_equal_results(simulate_reference(engine.model, given), wanted)
    read_only = whole.astype(np.float32)
    read_only.flags.writeable = False
    assert_equal_results(engine.run(read_only), wanted)
    truth = whole > 0
    assert_equal_results(engine.run(truth), engine.run(truth.astype(np.float32)))


def test_float64_observations_are_rounded_to_the_precision(engine: Engine) -> None:
    observations = np.random.default_rng(13).normal(size=(6, 4))
    single, double = engine.run(observations), Engine(engine.model, precision="float64")
    assert_equal_results(single, engine.run(observations.astype(np.float32)))
    wanted = simulate_reference(engine.model, observations, precision="float64")
    assert_equal_results(double.run(observations), wanted)
    assert (single.outputs.dtype, double.run(observations).outputs.dtype) == ("f4", "f8")
    assert not np.array_equal(single.outputs, double.run(observations).outputs)


def test_one_observation_is_a_batch_of_one(engine: Engine) -> None:
    observation = np.arange(4, dtype=np.float32)
    assert_equal_results(engine.run(observation), engine.run(observation[np.newaxis]))


@pytest.mark.parametrize("n_threads", [1, 2, 3, 4, np.int64(7)])
def test_threads_do_not_change_the_result(engine: Engine, n_threads: Any) -> None:
    observations = np.random.default_rng(14).normal(size=(33, 4)).astype(np.float32)
    wanted = engine.run(observations, record="all")
    found = Engine(engine.model, n_threads=n_threads).run(observations, record="all")
    assert_equal_results(found, wanted)


def test_n_steps_of_the_run_replaces_that_of_the_model(engine: Engine) -> None:
    observations = np.ones((2, 4), np.float32)
    assert_equal_results(engine.run(observations, n_steps=70), engine.run(observations))
    for n_steps in (1, np.int32(64), 129):
        wanted = simulate_reference(engine.model, observations, n_steps=n_steps)  # type: ignore[arg-type]
        assert_equal_results(engine.run(observations, n_steps=n_steps), wanted)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", SIMULATORS)
def test_recording_what_was_asked_for(name: str, engine: Engine) -> None:
    observations = np.ones((2, 4), np.float32)
    whole = SIMULATORS[name](engine.model, observations, record="all")
    assert [whole.potentials[i].shape for i in range(3)] == [(2, 70, n) for n in (17, 9, 3)]
    wanted: dict[Any, list[int]] = {(): [], (1,): [1], (-1, 0, 2): [0, 2], range(3): [0, 1, 2]}
    for record, populations in wanted.items():
        for given in (record, list(record), np.array(record, np.int64)):
            result = SIMULATORS[name](engine.model, observations, record=given)
            assert list(result.spikes) == list(result.potentials) == populations
            for i in populations:
                np.testing.assert_array_equal(result.spikes[i], whole.spikes[i])
                np.testing.assert_array_equal(result.potentials[i], whole.potentials[i])


def test_arrays_of_a_result_are_the_callers_own(engine: Engine) -> None:
    result = engine.run(np.ones((1, 4), np.float32), record="all")
    for read in (
        lambda: result.actions,
        lambda: result.outputs,
        lambda: result.q_values,
        lambda: result.spike_counts[0],
        lambda: result.potentials[1],
    ):
        array = read()
        array += 1
        assert not np.array_equal(read(), array)


def test_forcing_an_instruction_set() -> None:
    show = (
        "from dsqn_fast import active_isa, available_isas; print(active_isa(), *available_isas())"
    )
    for isa in available_isas():
        assert output_of("-c", show, DSQN_FORCE_ISA=isa).split() == [isa, *available_isas()]
    assert output_of("-c", show, DSQN_FORCE_ISA="").split()[0] == available_isas()[-1]
    assert available_isas()[0] == "scalar"
    assert active_isa() in available_isas()


FORCED = """
import dsqn_fast, numpy as np
from dsqn_fast.errors import CpuError
from dsqn_fast.model import Dense, SpikingLayer, SpikingModel
layer = SpikingLayer(connection=Dense(weight=np.ones((1, 1)), bias=np.zeros(1)))
model = SpikingModel(layers=(layer,), input_shape=(1,), n_steps=1)
for use in (dsqn_fast.active_isa, lambda: dsqn_fast.Engine(model)):
    try:
        use()
    except CpuError as error:
        print(error)
print(dsqn_fast.simulate_reference(model, np.ones((1, 1))).outputs, *dsqn_fast.available_isas())
"""


def test_an_unknown_instruction_set_is_refused_when_it_is_needed() -> None:
    lines = output_of("-W", "error", "-c", FORCED, DSQN_FORCE_ISA="nonsense").splitlines()
    names = ", ".join(available_isas())
    sentence = (
        f"DSQN_FORCE_ISA is 'nonsense', but this machine runs {names}: "
        "choose one of these or unset it"
    )
    assert lines == [sentence, sentence, f"[[1.]] {' '.join(available_isas())}"]
