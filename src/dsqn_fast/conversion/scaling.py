"""A source network and its scales, made into a spiking model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.conversion.options import Dynamics, Recipe
from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.layers import AveragePool2d, Conv2d, Dense, Flatten
from dsqn_fast.model.options import Neuron
from dsqn_fast.model.scaling import scaled
from dsqn_fast.model.spiking import SpikingLayer, SpikingModel

Floats = NDArray[np.floating]


def build_model(
    ann: AnnModel,
    scales: Sequence[Floats],
    *,
    dynamics: Dynamics,
    recipe: Recipe,
    n_steps: int,
) -> SpikingModel:
    """Spiking model with weights W * lambda_before / lambda and biases b / lambda.

    Thresholds are 1. Hidden neurons start at 0 or, for the start potentials ``half`` and
    ``calibrated``, at 1/2 (Bu et al. 2022); outputs only where they spike, since a constant
    added to all potentials changes no decision.

    Args:
        ann: The source network.
        scales: lambda of every weighted layer, () or (channels,).
        dynamics: Reset, encoding, decoding and timing.
        recipe: Spike mode, burst limit and start potential.
        n_steps: Time steps per decision.

    Raises:
        ModelError: Options do not go together.
    """
    layers: list[SpikingLayer | AveragePool2d | Flatten] = []
    before: Floats = np.ones((), np.float32)
    remaining = list(scales)
    for layer in ann.layers:
        if not isinstance(layer, Dense | Conv2d):
            layers.append(layer)
            continue
        scale = _emitted_scale(remaining.pop(0), recipe, last=not remaining)
        silent = not remaining and dynamics.decoding == "potential"
        start = 0.0 if recipe.initial_potential == "zero" or silent else 0.5
        layers.append(
            SpikingLayer(
                connection=scaled(layer, before, scale),
                initial_potential=np.asarray(start, layer.weight.dtype),
                threshold=np.ones((), layer.weight.dtype),
                scale=scale,
            )
        )
        before = scale
    return SpikingModel(
        layers=tuple(layers),
        input_shape=ann.input_shape,
        n_steps=n_steps,
        neuron=Neuron(reset=dynamics.reset, spikes=recipe.spikes, burst_limit=recipe.burst_limit),
        timing=dynamics.timing,
        encoding=dynamics.encoding,
        decoding=dynamics.decoding,
        two_output_neurons=dynamics.two_output_neurons,
        channels_first=ann.channels_first,
        env_id=ann.env_id,
        preprocessing=ann.preprocessing,
        source=ann,
    )


def _emitted_scale(scale: Floats, recipe: Recipe, *, last: bool) -> Floats:
    """Activation that one spike per step stands for."""
    if recipe.spikes != "burst" or last:
        return scale
    return scale / scale.dtype.type(recipe.burst_limit)


def with_populations(model: SpikingModel, populations: Sequence[SpikingLayer]) -> SpikingModel:
    """The model with its populations replaced, in order."""
    remaining = list(populations)
    layers = tuple(
        remaining.pop(0) if isinstance(layer, SpikingLayer) else layer for layer in model.layers
    )
    return model.replace(layers=layers)
