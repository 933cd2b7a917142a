"""One place where conversion simulates: the compiled engine, or NumPy where it cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import UnsupportedError
from dsqn_fast.model.options import Precision, steps_run
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.reference import simulate_reference
from dsqn_fast.results import SimulationResult

RECORDED_VALUES = 30_000_000
"""Recorded values that are in memory at once."""


def simulate(
    model: SpikingModel,
    observations: NDArray[Any],
    *,
    n_steps: int | None = None,
    seed: int = 0,
    decisions: int = 0,
    record: Sequence[int] = (),
    precision: Precision = "float32",
) -> SimulationResult:
    """Simulate decisions; the arguments are those of `Engine.run`.

    Args:
        model: The spiking model.
        observations: (B, *shape).
        n_steps: Time steps; None for the model's own.
        seed: Seed of the Poisson encoding's noise.
        decisions: Index of the first decision, which keys its noise.
        record: Populations whose spikes and potentials are recorded.
        precision: ``float32`` or ``float64``.
    """
    return simulator(model, precision=precision)(
        observations, n_steps=n_steps, seed=seed, decisions=decisions, record=tuple(record)
    )


def simulator(
    model: SpikingModel, *, precision: Precision = "float32"
) -> Callable[..., SimulationResult]:
    """What simulates a model again and again: the engine's `run`, or its NumPy twin.

    NumPy takes over where the engine is not built or does not run the model's layers; the
    results are the same bits.
    """
    try:
        from dsqn_fast.engine import Engine

        return Engine(model, precision=precision).run
    except (ImportError, UnsupportedError):
        return partial(simulate_reference, model, precision=precision)


def actions_over_steps(
    model: SpikingModel, observations: NDArray[Any], steps: Sequence[int], *, seed: int = 0
) -> NDArray[np.int64]:
    """Actions (len(steps), B) that the model takes with other numbers of steps.

    With potential decoding one simulation of the most steps holds all the shorter ones.
    """
    places = [steps_run(model.timing, int(n)) - 1 for n in steps]
    if model.decoding != "potential" or model.early_exit is not None or min(places) < 0:
        return np.stack(
            [simulate(model, observations, n_steps=int(n), seed=seed).actions for n in steps]
        )
    parts = [
        potentials[:, places].argmax(axis=2).T
        for potentials in output_potentials(model, observations, max(steps), seed=seed)
    ]
    return np.concatenate(parts, axis=1).astype(np.int64)


def output_potentials(
    model: SpikingModel, observations: NDArray[Any], n_steps: int, *, seed: int = 0
) -> Iterator[NDArray[np.floating]]:
    """Potentials (b, steps, outputs) of the output layer, batch by batch."""
    size = max(1, RECORDED_VALUES // max(n_steps * model.n_outputs, 1))
    last = len(model.populations) - 1
    for start in range(0, len(observations), size):
        result = simulate(
            model,
            observations[start : start + size],
            n_steps=n_steps,
            seed=seed,
            decisions=start,
            record=(last,),
        )
        yield result.potentials[last]
