"""The network that a spiking model was converted from, read back from its own weights.

It is the model's source where nothing lies between them, and the fine-tuned or taught network
where one does: what the layers of the model are to be compared with, since they never followed
those of the source.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.conversion.activations import weighted_layers
from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.layers import AveragePool2d, Conv2d, Dense, Flatten
from dsqn_fast.model.scaling import passed_on
from dsqn_fast.model.spiking import SpikingLayer, SpikingModel

Floats = NDArray[np.floating]
TOLERANCE = 1e-4
"""Of the largest weight of a layer: scaling there and back rounds, fine-tuning moves more."""


def converted_network(model: SpikingModel) -> AnnModel:
    """The network whose activations a model's spikes stand for.

    With lambda the activation that one spike per step stands for, after a layer and before it::

        W = lambda * W_spiking / lambda_before         b = lambda * b_spiking

    Calibrated biases stay in it only where the weights are not those of the source, which is
    otherwise given back as it is.

    Args:
        model: A converted model.
    """
    read = _read_back(model)
    source = model.source
    return source if source is not None and _same_weights(read, source) else read


def _read_back(model: SpikingModel) -> AnnModel:
    layers: list[Dense | Conv2d | AveragePool2d | Flatten] = []
    shapes = model.shapes()
    before: Floats = np.ones(())
    for index, layer in enumerate(model.layers):
        if not isinstance(layer, SpikingLayer):
            layers.append(layer)
            before = passed_on(before, isinstance(layer, Flatten), shapes[index])
            continue
        connection = layer.connection
        scale = layer.scale.astype(np.float64)
        factor = before[:, np.newaxis] if before.ndim else before
        dtype = connection.weight.dtype
        weight = (connection.weight * scale / factor).astype(dtype)
        layers.append(
            replace(connection, weight=weight, bias=(connection.bias * scale).astype(dtype))
        )
        before = scale * layer.threshold
    return AnnModel(
        layers=tuple(layers),
        input_shape=model.input_shape,
        channels_first=model.channels_first,
        env_id=model.env_id,
        preprocessing=model.preprocessing,
    )


def _same_weights(one: AnnModel, other: AnnModel) -> bool:
    pairs = [
        (a.weight, b.weight)
        for (_, a), (_, b) in zip(weighted_layers(one), weighted_layers(other), strict=False)
    ]
    return len(weighted_layers(one)) == len(weighted_layers(other)) and all(
        a.shape == b.shape and np.abs(a - b).max(initial=0) <= TOLERANCE * np.abs(b).max(initial=0)
        for a, b in pairs
    )
