"""SpikeNorm: thresholds balanced on the spikes themselves (Sengupta et al. 2019).

Layer after layer, with the layers before it already balanced::

    theta_l = max over observations, steps and neurons of the input (W_l s_{l-1}[t] + b_l)

Weights stay as they are in the paper; here the threshold is divided into them, which is the same
network with thresholds of 1: lambda_l = lambda_{l-1} * theta_l.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.conversion.activations import weighted_layers
from dsqn_fast.conversion.options import Dynamics, Recipe
from dsqn_fast.conversion.scaling import build_model
from dsqn_fast.conversion.simulate import RECORDED_VALUES, simulate
from dsqn_fast.conversion.whole_decisions import with_whole_decisions
from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.forward import apply_layer
from dsqn_fast.model.layers import Shape
from dsqn_fast.model.observations import prepare_observations
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.model.stages import population_stages

Floats = NDArray[np.floating]


def spike_norm_scales(
    ann: AnnModel,
    observations: NDArray[Any],
    *,
    dynamics: Dynamics,
    recipe: Recipe,
    n_steps: int,
    seed: int = 0,
) -> tuple[Floats, ...]:
    """Scales of all weighted layers by SpikeNorm.

    Args:
        ann: The source network.
        observations: (B, *shape) that are simulated.
        dynamics: Reset, encoding and timing of the simulation.
        recipe: Start potential and spike mode.
        n_steps: Time steps of the simulation.
        seed: Seed of the Poisson encoding.

    Returns:
        One () array per weighted layer.
    """
    layers = weighted_layers(ann)
    scales: list[Floats] = []
    for place, (_, layer) in enumerate(layers):
        dtype = layer.weight.dtype
        before = float(scales[-1]) if scales else 1.0
        unknown = [np.asarray(before, dtype)] * (len(layers) - place)
        model = with_whole_decisions(
            build_model(ann, [*scales, *unknown], dynamics=dynamics, recipe=recipe, n_steps=n_steps)
        )
        largest = _largest_input(model, place, observations, seed, last=place == len(layers) - 1)
        scales.append(np.asarray(before * largest if largest > 0 else before, dtype))
    return tuple(scales)


def _largest_input(
    model: SpikingModel, place: int, observations: NDArray[Any], seed: int, *, last: bool
) -> float:
    """Largest input of population ``place`` in one step; of outputs the largest magnitude."""
    stages = list(population_stages(model))
    between, population, _ = stages[place]
    largest = 0.0
    size = len(observations)
    if place:
        size = max(1, RECORDED_VALUES // (model.n_steps * math.prod(stages[place - 1].shape)))
    for start in range(0, len(observations), size):
        part = observations[start : start + size]
        if place:
            values = _spikes(model, place - 1, stages[place - 1].shape, part, seed, start)
        else:
            values = prepare_observations(model, part, np.float32)
        for layer in between:
            values = apply_layer(layer, values)
        current = apply_layer(population.connection, values)
        largest = max(largest, float((np.abs(current) if last else current).max(initial=0.0)))
    return largest


def _spikes(
    model: SpikingModel, place: int, shape: Shape, observations: NDArray[Any], seed: int, first: int
) -> Floats:
    """All spikes of a population: one row per decision and step."""
    result = simulate(model, observations, seed=seed, decisions=first, record=(place,))
    return result.spikes[place].astype(np.float32).reshape(-1, *shape)
