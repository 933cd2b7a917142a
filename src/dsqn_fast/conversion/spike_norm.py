"""SpikeNorm: thresholds balanced on the spikes themselves (Sengupta et al. 2019).

Layer after layer, with the layers before it already balanced::

    theta_l = max over observations, steps and neurons of the input (W_l s_{l-1}[t] + b_l)

Weights stay as they are in the paper; here the threshold is divided into them, which is the same
network with thresholds of 1: lambda_l = lambda_{l-1} * theta_l.
"""

from __future__ import annotations

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
from dsqn_fast.model.layers import AveragePool2d, Flatten
from dsqn_fast.model.observations import prepare_observations
from dsqn_fast.model.spiking import SpikingLayer, SpikingModel

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
    population = model.populations[place]
    between = _layers_before(model, population)
    largest = 0.0
    size = len(observations)
    if place:
        width = model.populations[place - 1].connection.bias.shape[0]
        positions = max(int(np.prod(shape)) // width for shape in model.shapes()[1:])
        size = max(1, RECORDED_VALUES // (model.n_steps * width * max(positions, 1)))
    for start in range(0, len(observations), size):
        values = _inputs(model, place, observations[start : start + size], seed, start)
        for layer in between:
            values = apply_layer(layer, values)
        current = apply_layer(population.connection, values)
        largest = max(largest, float((np.abs(current) if last else current).max(initial=0.0)))
    return largest


def _layers_before(model: SpikingModel, population: SpikingLayer) -> list[AveragePool2d | Flatten]:
    """Pooling and Flatten layers between a population and the one before it."""
    found: list[AveragePool2d | Flatten] = []
    for layer in model.layers:
        if layer is population:
            break
        if isinstance(layer, SpikingLayer):
            found = []
        else:
            found.append(layer)
    return found


def _inputs(
    model: SpikingModel, place: int, observations: NDArray[Any], seed: int, first: int
) -> Floats:
    """Observations, or all spikes of the population before: one row per decision and step."""
    if place == 0:
        return prepare_observations(model, observations, np.float32)
    result = simulate(model, observations, seed=seed, decisions=first, record=(place - 1,))
    spikes = result.spikes[place - 1].astype(np.float32)
    population = model.populations[place - 1]
    shape = model.shapes()[model.layers.index(population) + 1]
    return spikes.reshape(-1, *shape)
