"""Start potentials and biases corrected by the mean error on calibration observations.

Li et al. 2021 (calibration of spiking networks), layer after layer, with T time steps,
a = activation of the source network, r = (spikes per step) * lambda::

    start potential:  v0 += T * mean(a - r) / lambda
    bias:             b  +=     mean(a - r) / lambda

Both add the same charge over T steps; the first at once, the second evenly. Means are per neuron
of a dense layer and per channel of a convolution. Layer l is corrected with the layers before it
already corrected. Thresholds are 1 here. Decisions that would end early run all T steps here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.conversion.activations import weighted_activations
from dsqn_fast.conversion.scaling import with_populations
from dsqn_fast.conversion.simulate import simulate
from dsqn_fast.conversion.whole_decisions import with_whole_decisions
from dsqn_fast.decodings import per_neuron
from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.layers import Dense
from dsqn_fast.model.spiking import SpikingLayer, SpikingModel
from dsqn_fast.results import SimulationResult

Floats = NDArray[np.floating]
CHUNK = 500
"""Observations whose activations and spike counts are in memory at once."""


def calibrate_errors(
    model: SpikingModel,
    ann: AnnModel,
    observations: NDArray[Any],
    *,
    potentials: bool,
    biases: bool,
    seed: int = 0,
) -> SpikingModel:
    """Correct start potentials, biases or both of a converted model.

    Where both are asked for, the hidden layers' error goes into the start potentials and the
    output layer's into its biases; biases alone correct every layer.

    Args:
        model: The converted model, with thresholds of 1.
        ann: Its source network.
        observations: (B, *shape) to simulate.
        potentials: Correct start potentials of the neurons that spike.
        biases: Correct biases.
        seed: Seed of the Poisson encoding.
    """
    last = len(model.populations) - 1
    for place in range(last + 1):
        use_potential = potentials and place < last
        if not use_potential and not biases:
            continue
        error = _mean_error(model, ann, observations, place, seed)
        layer = _corrected(model.populations[place], error, use_potential, model.n_steps)
        changed = [*model.populations[:place], layer, *model.populations[place + 1 :]]
        model = with_populations(model, changed)
    return model


def _corrected(
    layer: SpikingLayer, error: Floats, use_potential: bool, n_steps: int
) -> SpikingLayer:
    dtype = layer.connection.bias.dtype
    shift = error / layer.scale
    if not use_potential:
        bias = (layer.connection.bias + shift).astype(dtype)
        return replace(layer, connection=replace(layer.connection, bias=bias))
    start = np.broadcast_to(layer.initial_potential, shift.shape) + n_steps * shift
    return replace(layer, initial_potential=start.astype(dtype))


def _mean_error(
    model: SpikingModel, ann: AnnModel, observations: NDArray[Any], place: int, seed: int
) -> Floats:
    """Mean of activation minus rate, per neuron or channel, in units of the activation."""
    layer = model.populations[place]
    model = with_whole_decisions(model)
    total: Floats = np.zeros(0)
    for start in range(0, len(observations), CHUNK):
        part = observations[start : start + CHUNK]
        result = simulate(model, part, seed=seed, decisions=start)
        wanted = weighted_activations(ann, part)[place]
        error = (wanted - estimated_activation(model, result, place)).sum(axis=0)
        total = error if not len(total) else total + error
    mean: Floats = total / len(observations)
    if isinstance(layer.connection, Dense):
        return mean
    per_channel: Floats = mean.reshape(-1, len(layer.connection.bias)).mean(axis=0)
    return per_channel


def estimated_activation(
    model: SpikingModel, result: SimulationResult, place: int, n_steps: int | None = None
) -> Floats:
    """Activations (B, neurons) of the source network, read from a population's spikes.

    Of the output population the Q-values, whatever the decoding reads them from. The decisions
    must have run all their steps (`with_whole_decisions`).
    """
    if place == len(model.populations) - 1:
        return result.q_values
    layer = model.populations[place]
    counts = result.spike_counts[place]
    scale = per_neuron(layer.scale * layer.threshold, counts)
    return counts * scale / (model.n_steps if n_steps is None else n_steps)
