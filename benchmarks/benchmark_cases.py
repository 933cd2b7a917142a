"""The networks and inputs that are timed, and the check that all simulators agree on them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from numpy_loop import Floats, layer_by_layer, layers_of, step_by_step

from dsqn_fast import AnnModel, SpikingModel, convert, load_ann, simulate_reference
from dsqn_fast.model.layers import Dense
from dsqn_fast.results import SimulationResult

THESIS = Path(__file__).resolve().parents[2] / "shared" / "data" / "thesis"
CALIBRATION = 2000

# Name of the network -> widths, trained network, observations that it visited.
NETWORKS = {
    "[4,16,16,2]": ((4, 16, 16, 2), "cartpole_dqn.npz", "cartpole_replay.npz"),
    "[2,64,64,3]": ((2, 64, 64, 3), "mountaincar_dqn.npz", "mountaincar_replay.npz"),
}


@dataclass(frozen=True)
class Case:
    """A converted network and observations for it.

    Attributes:
        model: The spiking network.
        observations: (B, n) float32.
        origin: ``"trained"`` or ``"random"``.
    """

    model: SpikingModel
    observations: Floats
    origin: str


def load_case(name: str) -> Case:
    """The network ``name``, trained where its file is there, else with random weights.

    Both are converted the same way, so that their neurons fire about as often.
    """
    widths, network, replay = NETWORKS[name]
    if (THESIS / network).is_file():
        ann, origin = load_ann(THESIS / network), "trained"
        with np.load(THESIS / replay, allow_pickle=False) as file:
            observations: NDArray[np.float32] = file["observations"]
    else:
        rng = np.random.default_rng(0)
        ann, origin = _random_network(widths, rng), "random"
        observations = rng.uniform(-1, 1, (2 * CALIBRATION, widths[0])).astype(np.float32)
    model = convert(
        ann,
        observations[:CALIBRATION],
        normalization="robust",
        initial_potential="half",
        n_steps=100,
    )
    return Case(model, np.ascontiguousarray(observations[CALIBRATION:][:64]), origin)


def _random_network(widths: tuple[int, ...], rng: np.random.Generator) -> AnnModel:
    layers = [
        Dense(
            weight=rng.normal(0, np.sqrt(2 / n_in), (n_in, n)).astype(np.float32),
            bias=rng.normal(0, 0.1, n).astype(np.float32),
        )
        for n_in, n in pairwise(widths)
    ]
    return AnnModel(layers=tuple(layers), input_shape=(widths[0],))


def density(model: SpikingModel, result: SimulationResult, n_steps: int) -> float:
    """Spikes per hidden neuron and step."""
    neurons = sum(population.connection.bias.size for population in model.populations[:-1])
    return float(result.total_spikes.mean() / (neurons * n_steps))


def assert_agreement(case: Case, result: SimulationResult, n_steps: int) -> None:
    """Assert that all simulators agree on ``case``, before any of them is timed.

    Engine and reference: every bit of potentials, spike counts, actions and work. Engine and
    NumPy peers, whose products add in BLAS's order: equal actions and equal spike counts of
    every neuron, potentials up to rounding (1e-5 per step).
    """
    observations = case.observations[: len(result.actions)]
    reference = simulate_reference(case.model, observations, n_steps=n_steps)
    for attribute in ("outputs", "actions", "total_spikes", "synaptic_operations"):
        np.testing.assert_array_equal(getattr(result, attribute), getattr(reference, attribute))
    for here, there in zip(result.spike_counts, reference.spike_counts, strict=True):
        np.testing.assert_array_equal(here, there)
    for peer in (step_by_step, layer_by_layer):
        potentials, counts = peer(layers_of(case.model), observations, n_steps)
        np.testing.assert_array_equal(potentials.argmax(axis=1), result.actions)
        for mine, theirs in zip(counts, result.spike_counts[:-1], strict=True):
            np.testing.assert_array_equal(mine, theirs)
        np.testing.assert_allclose(potentials, result.outputs, rtol=0, atol=1e-5 * n_steps)
