"""Weights rounded to a few bits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dsqn_fast.conversion.scaling import with_populations
from dsqn_fast.model.spiking import SpikingModel


def round_weights(model: SpikingModel, bits: int) -> SpikingModel:
    """The model with the weights of every layer rounded to ``bits`` bits.

    A layer's weights become integers times its largest magnitude / (2**(bits - 1) - 1), symmetric
    around 0. Biases, thresholds and start potentials stay as they are.

    Args:
        model: The spiking model.
        bits: 2 or more; 0 rounds nothing.
    """
    if bits == 0:
        return model
    levels = 2 ** (bits - 1) - 1
    populations = []
    for layer in model.populations:
        weight = layer.connection.weight
        step = float(np.abs(weight).max(initial=0.0)) / levels or 1.0
        rounded = (np.rint(weight / step) * step).astype(weight.dtype)
        populations.append(replace(layer, connection=replace(layer.connection, weight=rounded)))
    return with_populations(model, populations)
