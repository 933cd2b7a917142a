"""The synapses of a model one by one, as simulators take them: source, target, weight."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.connectivity import fan_out, pool_factor
from dsqn_fast.model.forward import windows
from dsqn_fast.model.layers import AveragePool2d, Conv2d, Dense, Flatten, Shape
from dsqn_fast.model.spiking import SpikingLayer, SpikingModel

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Synapses:
    """All synapses between the population before and this one, by ascending source.

    Attributes:
        source: (S,) flat index in the population before, or in the observation.
        target: (S,) flat index in this population.
        weight: (S,) float64.
    """

    source: Indices
    target: Indices
    weight: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Neurons:
    """Parameters of a population, one value per neuron (channels are fastest).

    Attributes:
        bias: (n,) current per step.
        threshold: (n,).
        start: (n,) initial potential.
    """

    bias: Floats
    threshold: Floats
    start: Floats


def count_synapses(model: SpikingModel) -> int:
    """Synapses between the populations, and from the inputs where they are encoded as spikes."""
    fans = fan_out(model)
    return sum(int(fan.sum()) for fan in fans[0 if model.encoding != "constant" else 1 :])


def population_neurons(model: SpikingModel) -> list[Neurons]:
    """Parameters of every population."""
    pairs = zip(model.layers, model.shapes()[1:], strict=True)
    return [_neurons(layer, shape) for layer, shape in pairs if isinstance(layer, SpikingLayer)]


def population_synapses(model: SpikingModel) -> list[Synapses]:
    """Synapses into every population; pooling between two is multiplied into the weights.

    The first entry is that of the inputs; it is what the encoding's spikes need.
    """
    result = []
    shape: Shape = tuple(model.input_shape)
    inputs = _numbered(shape)
    factor = np.float64(1)
    for layer, output_shape in zip(model.layers, model.shapes()[1:], strict=True):
        if isinstance(layer, AveragePool2d):
            inputs = _pooled(layer, inputs)
            factor = np.float64(factor * pool_factor(layer, np.dtype(np.float64)))
        elif isinstance(layer, Flatten):
            inputs = inputs.reshape(-1, inputs.shape[-1])
        else:
            result.append(_synapses(layer.connection, inputs, factor))
            inputs, factor = _numbered(output_shape), np.float64(1)
    return result


def _neurons(layer: SpikingLayer, shape: Shape) -> Neurons:
    def each(values: NDArray[np.floating]) -> Floats:
        return np.broadcast_to(values.astype(np.float64), shape).ravel().copy()

    return Neurons(
        bias=each(layer.connection.bias),
        threshold=each(layer.threshold),
        start=each(layer.initial_potential),
    )


def _numbered(shape: Shape) -> Indices:
    """Neuron numbers from 1, one per place: (*shape, 1); 0 is the padding."""
    return np.arange(1, math.prod(shape) + 1, dtype=np.int64).reshape(*shape, 1)


def _pooled(layer: AveragePool2d, inputs: Indices) -> Indices:
    """Neurons that each pooled place sums: (rows, columns, channels, window * before)."""
    places, channels, group = inputs.shape[:2], inputs.shape[2], inputs.shape[3]
    flat = inputs.reshape(1, *places, channels * group)
    view = windows(flat, layer.kernel, layer.stride, (0, 0))[0]
    pooled: Indices = view.reshape(*view.shape[:2], channels, -1)
    return pooled


def _synapses(connection: Dense | Conv2d, inputs: Indices, factor: np.float64) -> Synapses:
    """Synapses of a connection whose input places are the neurons ``inputs``."""
    *rows, n_out = connection.weight.shape
    weight = connection.weight.reshape(math.prod(rows), n_out).astype(np.float64) * factor
    group = inputs.shape[-1]
    if isinstance(connection, Dense):
        patches = inputs.reshape(1, -1, group)
    else:
        *places, channels, _ = inputs.shape
        flat = inputs.reshape(1, *places, channels * group)
        kernel = (connection.weight.shape[0], connection.weight.shape[1])
        view = windows(flat, kernel, connection.stride, connection.padding)[0]
        pixels = view.shape[0] * view.shape[1]
        parts = view.transpose(0, 1, 3, 4, 2).reshape(pixels, math.prod(kernel), channels, group)
        patches = parts.reshape(pixels, -1, group)
    pixels, width, _ = patches.shape
    shape = (pixels, width, group, n_out)
    source = np.broadcast_to(patches[..., np.newaxis], shape)
    place = np.arange(pixels * n_out).reshape(pixels, 1, 1, n_out)
    target = np.broadcast_to(place, shape)
    value = np.broadcast_to(weight[:, np.newaxis, :], shape)
    real = source > 0
    order = np.argsort(source[real], kind="stable")
    return Synapses(
        source=source[real][order] - 1, target=target[real][order], weight=value[real][order]
    )
