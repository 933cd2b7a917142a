"""From the output population to an action, in NumPy.

::

    potential        argmax_j v_j[T]
    count            argmax_j N_j; with two output neurons N_j = N_j(+) - N_j(-)
    count+potential  argmax_j (N_j * theta_j + v_j[T]) / T
    first-spike      the output that fires first; in the same step the one with the higher
                     potential; if none fires by T, as potential

Ties go to the lowest index. N_j is the sum of output spikes of neuron j.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.model.spiking import EarlyExit, SpikingLayer, SpikingModel

Floats = NDArray[np.floating]


@dataclass(kw_only=True)
class Decoded:
    """Actions (B,), outputs (B, n_out) and Q-value estimates (B, n_out)."""

    actions: NDArray[np.int64]
    outputs: Floats
    q_values: NDArray[np.float64]


@np.errstate(over="ignore", invalid="ignore")
def decode(
    model: SpikingModel,
    output: SpikingLayer,
    potentials: Floats,
    counts: NDArray[np.int32],
    *,
    n_steps: int,
    steps_used: NDArray[np.int64],
) -> Decoded:
    """Decode final potentials and spike counts of the output population.

    Args:
        model: The simulated model (its output neurons already doubled where asked for).
        output: Its output layer.
        potentials: (B, n) final potentials.
        counts: (B, n) int32 spike counts.
        n_steps: T.
        steps_used: (B,) steps simulated; with an early exit or first-spike decoding the divisor
            of Q-values where they are fewer than T (timing spytorch: T - 1 to the end).
    """
    dtype = potentials.dtype.type
    scale, theta = per_neuron(output.scale, potentials), per_neuron(output.threshold, potentials)
    steps = np.full(len(potentials), float(n_steps))
    if model.early_exit is not None or model.decoding == "first-spike":
        steps = np.where(steps_used < n_steps, np.maximum(steps_used, 1), n_steps).astype(float)
    steps = steps[:, np.newaxis]
    if model.decoding == "count":
        outputs, values = counts.astype(dtype), counts * theta / steps * scale
        if model.two_output_neurons:
            half = counts.shape[1] // 2
            outputs = outputs[:, :half] - outputs[:, half:]
            values = values[:, :half] - values[:, half:]
    elif model.decoding == "count+potential":
        rate = counts.astype(dtype) * theta.astype(dtype) + potentials
        outputs = rate / dtype(n_steps)
        values = outputs.astype(np.float64) * scale
    else:
        outputs, values = potentials, potentials.astype(np.float64) / steps * scale
    return Decoded(
        actions=np.argmax(outputs, axis=1).astype(np.int64), outputs=outputs, q_values=values
    )


def per_neuron(values: Floats, neurons: NDArray[Any]) -> NDArray[np.float64]:
    """``values``, one or per channel, for every one of (B, n) neurons; channels are fastest."""
    width = neurons.shape[1]
    flat = np.atleast_1d(values).astype(np.float64)
    return np.tile(flat, width // max(len(flat), 1))


def first_spike(potentials: Floats, counts: NDArray[np.int32]) -> NDArray[np.int64]:
    """Action (B,) from the potentials at the first output spike and who fired in that step."""
    fired = counts > 0
    candidates = np.where(fired | ~fired.any(axis=1, keepdims=True), potentials, -np.inf)
    actions: NDArray[np.int64] = np.argmax(candidates, axis=1).astype(np.int64)
    return actions


def early_exit(potentials: Floats, rule: EarlyExit) -> NDArray[np.bool_]:
    """Whether each decision may stop: (best - second) > kappa * spread.

    The margin is taken in the potentials' precision; the limit is rounded to it.
    """
    if potentials.shape[1] < 2:
        return np.zeros(len(potentials), bool)
    ordered = np.sort(potentials, axis=1)
    limit = potentials.dtype.type(rule.kappa * rule.spread)
    decided: NDArray[np.bool_] = (ordered[:, -1] - ordered[:, -2]) > limit
    return decided
