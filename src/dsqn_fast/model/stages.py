"""The populations of a spiking model, each with the layers between it and the one before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from dsqn_fast.model.layers import AveragePool2d, Flatten, Shape
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.model.spiking_layer import SpikingLayer


class PopulationStage(NamedTuple):
    """One population.

    Attributes:
        before: Pooling and Flatten layers that spikes (or inputs) go through on their way to it.
        layer: The population.
        shape: (n,) or (height, width, channels) of its neurons.
    """

    before: tuple[AveragePool2d | Flatten, ...]
    layer: SpikingLayer
    shape: Shape


def population_stages(model: SpikingModel) -> Iterator[PopulationStage]:
    """All populations of a model, first to last."""
    before: list[AveragePool2d | Flatten] = []
    for layer, shape in zip(model.layers, model.shapes()[1:], strict=True):
        if isinstance(layer, SpikingLayer):
            yield PopulationStage(tuple(before), layer, shape)
            before = []
        else:
            before.append(layer)
