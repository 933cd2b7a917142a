"""Every mode on networks small enough to compute by hand; one test body runs all simulators.

All numbers are dyadic, so that both precisions give the very same values.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simulators import SIMULATORS, Simulate, dense_model

from dsqn_fast.model import Dense, EarlyExit, Neuron, SpikingLayer, SpikingModel


@pytest.fixture(params=[(s, p) for s in SIMULATORS for p in ("float32", "float64")], ids="-".join)
def simulate(request: pytest.FixtureRequest) -> Simulate:
    """Each simulator in each precision."""
    name, precision = request.param

    def run(model: SpikingModel, observations: Any, **options: Any) -> Any:
        return SIMULATORS[name](model, observations, precision=precision, **options)

    return run


def one_neuron(current: float, n_steps: int, **options: Any) -> SpikingModel:
    """Constant ``current`` into one neuron, which drives an output: weight 2, bias 0.5."""
    parameters = {k: [options.pop(k), 1.0] for k in ("thresholds",) if k in options}
    if "starts" in options:
        parameters["starts"] = [options.pop("starts"), 0.0]
    return dense_model(
        [[[1.0]], [[2.0]]], [[current], [0.5]], n_steps=n_steps, **parameters, **options
    )


# Timing, reset, steps -> hidden spikes, hidden potentials, output potentials, for I = 0.375.
RESETS: list[tuple[str, str, int, list[int], list[float], list[float]]] = [
    (
        *("instant", "subtraction", 6, [0, 0, 1, 0, 0, 1]),
        [0.375, 0.75, 0.125, 0.5, 0.875, 0.25],
        [0.5, 1.0, 3.5, 4.0, 4.5, 7.0],
    ),
    (
        *("instant", "zero", 6, [0, 0, 1, 0, 0, 1]),
        [0.375, 0.75, 0.0, 0.375, 0.75, 0.0],
        [0.5, 1.0, 3.5, 4.0, 4.5, 7.0],
    ),
    (
        # A spike arrives one step later.
        *("nest", "subtraction", 6, [0, 0, 1, 0, 0, 1]),
        [0.375, 0.75, 0.125, 0.5, 0.875, 0.25],
        [0.5, 1.0, 1.5, 4.0, 4.5, 5.0],
    ),
    (
        *("nest", "zero", 6, [0, 0, 1, 0, 0, 1]),
        [0.375, 0.75, 0.0, 0.375, 0.75, 0.0],
        [0.5, 1.0, 1.5, 4.0, 4.5, 5.0],
    ),
    (
        # T - 1 steps; the reset acts in the next step, a spike arrives two steps later.
        *("spytorch", "subtraction", 7, [0, 0, 1, 0, 0, 1]),
        [0.375, 0.75, 1.125, 0.5, 0.875, 1.25],
        [0.5, 1.0, 1.5, 2.0, 4.5, 5.0],
    ),
    (
        # The input of the step after a spike is lost.
        *("spytorch", "zero", 8, [0, 0, 1, 0, 0, 0, 1]),
        [0.375, 0.75, 1.125, 0.0, 0.375, 0.75, 1.125],
        [0.5, 1.0, 1.5, 2.0, 4.5, 5.0, 5.5],
    ),
]


@pytest.mark.parametrize(("timing", "reset", "n_steps", "spikes", "hidden", "output"), RESETS)
def test_timings_and_resets(
    simulate: Simulate,
    timing: Any,
    reset: Any,
    n_steps: int,
    spikes: list[int],
    hidden: list[float],
    output: list[float],
) -> None:
    model = one_neuron(0.375, n_steps, timing=timing, neuron=Neuron(reset=reset))
    result = simulate(model, np.zeros((1, 1)), record="all")
    np.testing.assert_array_equal(result.spikes[0][0, :, 0], spikes)
    np.testing.assert_array_equal(result.potentials[0][0, :, 0], hidden)
    np.testing.assert_array_equal(result.potentials[1][0, :, 0], output)
    np.testing.assert_array_equal(result.spikes[1], np.zeros((1, len(spikes), 1)))
    np.testing.assert_array_equal(result.spike_counts[0], [[sum(spikes)]])
    np.testing.assert_array_equal(result.spike_counts[1], [[0]])
    assert result.outputs.tolist() == [[output[-1]]]
    assert result.q_values.tolist() == [[output[-1] / n_steps]]
    assert result.total_spikes.tolist() == result.synaptic_operations.tolist() == [sum(spikes)]
    assert result.input_spikes.tolist() == [0]
    assert result.steps_used.tolist() == [len(spikes)]


def hidden_trace(simulate: Simulate, model: SpikingModel) -> tuple[list[int], list[float]]:
    """Spikes and potentials of the first population."""
    result = simulate(model, np.zeros((1, 1)), record=(0,))
    assert list(result.spikes) == list(result.potentials) == [0]
    return result.spikes[0][0, :, 0].tolist(), result.potentials[0][0, :, 0].tolist()


TRACES: list[tuple[dict[str, Any], list[int], list[float]]] = [
    # A potential equal to the threshold fires, but for spytorch only one above it.
    ({"current": 0.5, "n_steps": 4}, [0, 1, 0, 1], [0.5, 0.0, 0.5, 0.0]),
    ({"current": 0.5, "n_steps": 5, "timing": "spytorch"}, [0, 0, 1, 0], [0.5, 1.0, 1.5, 1.0]),
    # spytorch takes away 1, whatever the threshold, and does so after the decay.
    (
        {"current": 0.75, "n_steps": 6, "timing": "spytorch", "thresholds": 2.0},
        [0, 0, 1, 0, 1],
        [0.75, 1.5, 2.25, 2.0, 2.75],
    ),
    (
        {"current": 1.25, "n_steps": 5, "timing": "spytorch", "neuron": Neuron(beta=0.5)},
        [1, 0, 1, 1],
        [1.25, 0.875, 1.6875, 1.09375],
    ),
    # Leaky, with a threshold of its own and a start potential.
    (
        {"current": 0.75, "n_steps": 4, "neuron": Neuron(beta=0.5)},
        [0, 1, 0, 1],
        [0.75, 0.125, 0.8125, 0.15625],
    ),
    (
        {"current": 0.25, "n_steps": 4, "thresholds": 0.5, "starts": 0.25},
        [1, 0, 1, 0],
        [0.0, 0.25, 0.0, 0.25],
    ),
    # Synaptic current y = 0.5 * y + I.
    (
        {"current": 0.5, "n_steps": 4, "neuron": Neuron(alpha=0.5)},
        [0, 1, 1, 1],
        [0.5, 0.25, 0.125, 0.0625],
    ),
    (
        {"current": 0.5, "n_steps": 3, "neuron": Neuron(alpha=0.5, beta=0.5, reset="zero")},
        [0, 1, 0],
        [0.5, 0.0, 0.875],
    ),
    # Several spikes a step, at most burst_limit.
    (
        {"current": 2.5, "n_steps": 3, "neuron": Neuron(spikes="burst")},
        [2, 3, 2],
        [0.5, 0.0, 0.5],
    ),
    (
        {"current": 2.5, "n_steps": 3, "neuron": Neuron(spikes="burst", burst_limit=2)},
        [2, 2, 2],
        [0.5, 1.0, 1.5],
    ),
    (
        {"current": 1.25, "n_steps": 3, "thresholds": 0.5, "neuron": Neuron(spikes="burst")},
        [2, 3, 2],
        [0.25, 0.0, 0.25],
    ),
    # A negative potential takes back a spike, as long as there is one to take back.
    (
        {"current": -0.75, "n_steps": 4, "starts": 2.0, "neuron": Neuron(spikes="signed")},
        [1, -1, 0, 0],
        [0.25, 0.5, -0.25, -1.0],
    ),
]


@pytest.mark.parametrize(("options", "spikes", "potentials"), TRACES)
def test_traces(
    simulate: Simulate, options: dict[str, Any], spikes: list[int], potentials: list[float]
) -> None:
    assert hidden_trace(simulate, one_neuron(**options)) == (spikes, potentials)


def test_graded_spikes_reach_the_next_population_with_their_value(simulate: Simulate) -> None:
    burst = one_neuron(2.5, 3, neuron=Neuron(spikes="burst"))
    result = simulate(burst, np.zeros((1, 1)), record=(1,))
    assert result.potentials[1][0, :, 0].tolist() == [4.5, 11.0, 15.5]
    assert (result.total_spikes[0], result.synaptic_operations[0]) == (7, 7)
    signed = one_neuron(-0.75, 4, starts=2.0, neuron=Neuron(spikes="signed"), timing="nest")
    result = simulate(signed, np.zeros((1, 1)), record=(1,))
    assert result.potentials[1][0, :, 0].tolist() == [0.5, 3.0, 1.5, 2.0]
    assert (result.total_spikes[0], result.spike_counts[0].item()) == (2, 0)


def outputs_only(currents: list[float], n_steps: int, **options: Any) -> SpikingModel:
    """Output neurons that each get a constant current."""
    n = len(currents)
    return dense_model([np.zeros((1, n))], [currents], n_steps=n_steps, **options)


def decide(simulate: Simulate, model: SpikingModel) -> Any:
    """The one decision of a model without inputs that matter."""
    return simulate(model, np.zeros((1, 1)), record="all")


def test_potential_decoding_takes_the_first_of_equal_outputs(simulate: Simulate) -> None:
    result = decide(simulate, outputs_only([0.25, 0.75, 0.75], 4, scales=[[2.0, 4.0, 8.0]]))
    assert result.actions.tolist() == [1]
    assert result.outputs.tolist() == [[1.0, 3.0, 3.0]]
    assert result.q_values.tolist() == [[0.5, 3.0, 6.0]]


def test_count_decoding(simulate: Simulate) -> None:
    options = {"decoding": "count", "thresholds": [[1.0, 0.5, 1.0]], "scales": [[1.0, 4.0, 2.0]]}
    result = decide(simulate, outputs_only([0.5, 0.25, 0.25], 4, **options))
    assert result.spike_counts[0].tolist() == result.outputs.tolist() == [[2, 2, 1]]
    assert result.actions.tolist() == [0]
    assert result.q_values.tolist() == [[0.5, 1.0, 0.5]]
    assert (result.total_spikes[0], result.synaptic_operations[0]) == (5, 0)


def test_count_and_potential_decoding(simulate: Simulate) -> None:
    options = {"decoding": "count+potential", "thresholds": [[1.0, 2.0]], "scales": [2.0]}
    result = decide(simulate, outputs_only([0.625, 0.75], 4, **options))
    # Spikes 2 and 1, left over 0.5 and 1.0.
    assert result.spike_counts[0].tolist() == [[2, 1]]
    assert result.outputs.tolist() == [[0.625, 0.75]]
    assert result.q_values.tolist() == [[1.25, 1.5]]
    assert result.actions.tolist() == [1]


def test_two_output_neurons_read_negative_values(simulate: Simulate) -> None:
    options = {"decoding": "count", "two_output_neurons": True, "scales": [[2.0, 4.0]]}
    result = decide(simulate, outputs_only([-0.5, -0.25], 4, **options))
    assert result.spike_counts[0].tolist() == [[0, 0, 2, 1]]
    assert result.outputs.tolist() == [[-2, -1]]
    assert result.q_values.tolist() == [[-1.0, -1.0]]
    assert result.actions.tolist() == [1]


FIRST_SPIKES: list[tuple[list[float], int, int, list[float]]] = [
    # Currents, action, steps used, potentials at that step (T = 4).
    ([0.375, 0.5, 0.25], 1, 2, [0.75, 1.0, 0.5]),
    ([0.5, 0.75, 0.75], 1, 2, [1.0, 1.5, 1.5]),
    ([0.0, -1.0, 0.125], 2, 4, [0.0, -4.0, 0.5]),
    ([0.125, 0.125, 0.0], 0, 4, [0.5, 0.5, 0.0]),
]


@pytest.mark.parametrize(("currents", "action", "steps", "potentials"), FIRST_SPIKES)
def test_first_spike_decoding(
    simulate: Simulate, currents: list[float], action: int, steps: int, potentials: list[float]
) -> None:
    result = decide(simulate, outputs_only(currents, 4, decoding="first-spike"))
    assert (result.actions.tolist(), result.steps_used.tolist()) == ([action], [steps])
    assert result.outputs.tolist() == [potentials]
    np.testing.assert_array_equal(result.q_values, np.array([potentials]) / steps)
    fired = [int(v >= 1) for v in potentials]
    assert result.spike_counts[0].tolist() == [fired]
    # After the decision nothing is simulated any more.
    assert not result.potentials[0][0, steps:].any()
    assert not result.spikes[0][0, steps:].any()


def test_early_exit_stops_once_the_margin_is_exceeded(simulate: Simulate) -> None:
    rule = EarlyExit(kappa=2.0, spread=0.25)
    result = decide(simulate, outputs_only([0.25, 0.0, 0.5], 9, early_exit=rule))
    # Margins 0.25, 0.5 (not above 0.5), 0.75.
    assert (result.steps_used.tolist(), result.actions.tolist()) == ([3], [2])
    assert result.outputs.tolist() == [[0.75, 0.0, 1.5]]
    assert result.q_values.tolist() == [[0.25, 0.0, 0.5]]
    result = decide(simulate, outputs_only([0.5], 9, early_exit=rule))
    assert result.steps_used.tolist() == [9]


def test_decisions_of_a_batch_stop_on_their_own(simulate: Simulate) -> None:
    rule = EarlyExit(kappa=1.0, spread=1.0)
    model = dense_model([[[1.0, 0.0]]], n_steps=70, early_exit=rule)
    result = simulate(model, np.array([[0.5], [0.25], [0.0], [-2.0], [1.0 / 64]]), record="all")
    assert result.steps_used.tolist() == [3, 5, 70, 1, 65]
    assert result.actions.tolist() == [0, 0, 0, 1, 0]
    assert result.outputs[:, 0].tolist() == [1.5, 1.25, 0.0, -2.0, 65 / 64]


def test_equidistant_input(simulate: Simulate) -> None:
    model = dense_model(
        [[[1.0], [0.25]]], [[0.0]], n_steps=5, encoding="equidistant", timing="nest"
    )
    # Input 0 spikes at 2 and 4, input 1 at every step with sign -1; without delay.
    result = simulate(model, np.array([[0.5, -3.0]]), record="all")
    assert result.potentials[0][0, :, 0].tolist() == [-0.25, 0.5, 0.25, 1.0, 0.75]
    assert (result.input_spikes[0], result.synaptic_operations[0]) == (7, 7)
    assert result.total_spikes.tolist() == [0]


@pytest.mark.parametrize("name", SIMULATORS)
def test_a_synapse_that_the_precision_rounds_to_none_is_none(name: str) -> None:
    # 1e-60 is 0 in float32: then the order of additions is that of the delta synapse.
    rng = np.random.default_rng(0)
    weights, biases = (
        [rng.normal(size=(3, 8)), rng.normal(size=(8, 2))],
        [np.full(8, 0.3), [0.1, 0.7]],
    )
    observations = rng.normal(size=(4, 3))
    tiny, none = (
        SIMULATORS[name](dense_model(weights, biases, neuron=neuron, n_steps=50), observations)
        for neuron in (Neuron(alpha=1e-60), Neuron())
    )
    np.testing.assert_array_equal(tiny.outputs, none.outputs)


@pytest.mark.parametrize("name", SIMULATORS)
def test_golden_file(name: str, shared_data: Path) -> None:
    golden = np.load(shared_data / "golden" / "cartpole_dqn.npz")
    weights = np.load(shared_data / "thesis" / "cartpole_dqn_converted.npz")
    connections = [Dense(weight=weights[f"w{i}"], bias=weights[f"b{i}"]) for i in range(3)]
    layers = tuple(SpikingLayer(connection=connection) for connection in connections)
    keys = sorted({key.rsplit("/", 1)[0] for key in golden.files if "/" in key})
    assert len(keys) >= 24
    for key in keys:
        timing, reset, steps = key.split("/")
        neuron = Neuron(reset=reset)  # type: ignore[arg-type]
        model = SpikingModel(
            layers=layers,
            input_shape=(4,),
            n_steps=int(steps),
            timing=timing,
            neuron=neuron,  # type: ignore[arg-type]
        )
        precision = "float64" if timing == "nest" else "float32"
        result = SIMULATORS[name](model, golden["observations"], precision=precision)
        counts = np.hstack(result.spike_counts[:2])
        np.testing.assert_array_equal(counts, golden[f"{key}/spike_counts"], err_msg=key)
        potential = golden[f"{key}/potential"]
        np.testing.assert_array_equal(result.outputs, potential, err_msg=key, strict=True)
