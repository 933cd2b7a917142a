"""Disturbances of what a network consists of: the same ones of both kinds of network.

Weighted layers of a spiking policy and of its source correspond, and the same seed draws the same
numbers for both: the same neurons are lost, the same bits flipped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import OptionError
from dsqn_fast.model import AnnModel, Conv2d, Dense, SpikingLayer, SpikingModel

Network = TypeVar("Network", AnnModel, SpikingModel)
Floats = NDArray[np.floating]


def quantise_weights(network: Network, bits: float, seed: int) -> Network:
    """Round weights to integers of so many bits times a step.

    Each neuron, of convolutions each channel, has a step of its own, which lets its largest input
    weight be the largest integer: so the scales of a normalisation make no difference to what is
    rounded away before a layer. Biases and thresholds stay.

    Args:
        network: Either kind.
        bits: 2 to 16.
        seed: Not needed.
    """
    return _with_weights(network, lambda weight, _: _rounded(weight, _whole(bits, 2, 16))[0])


def flip_bits(network: Network, probability: float, seed: int) -> Network:
    """Store weights as integers of 8 bits and flip each bit with a probability.

    Args:
        network: Either kind.
        probability: Of each bit, 0 to 1.
        seed: Draws the bits.
    """

    def flipped(weight: Floats, index: int) -> Floats:
        _, codes, step = _rounded(weight, 8)
        rng = np.random.default_rng((seed, index))
        bits = (rng.random((8, *weight.shape)) < probability) * (1 << np.arange(8)).reshape(
            8, *[1] * weight.ndim
        )
        mask = bits.sum(axis=0).astype(np.uint8)
        changed = (codes.astype(np.int8).view(np.uint8) ^ mask).view(np.int8)
        stored: Floats = (changed * step).astype(weight.dtype)
        return stored

    return _with_weights(network, flipped)


def drop_neurons(network: Network, share: float, seed: int) -> Network:
    """Silence a share of the neurons of every hidden layer, of convolutions whole channels.

    Args:
        network: Either kind.
        share: 0 to 1; the number is rounded down, but never all are lost.
        seed: Draws which.
    """
    indices = [i for i, layer in enumerate(network.layers) if _connection(layer) is not None]
    layers = list(network.layers)
    for index in indices[:-1]:
        layer: Any = layers[index]
        connection = _connection(layer)
        assert connection is not None
        width = connection.bias.shape[0]
        number = min(int(share * width), width - 1)
        lost = np.random.default_rng((seed, index)).permutation(width)[:number]
        layers[index] = _silenced(layer, lost)
    return _replaced(network, layers)


def _silenced(layer: Any, lost: NDArray[np.intp]) -> Any:
    connection = _connection(layer)
    assert connection is not None
    weight, bias = connection.weight.copy(), connection.bias.copy()
    weight[..., lost], bias[lost] = 0, 0
    silent = replace(connection, weight=weight, bias=bias)
    if not isinstance(layer, SpikingLayer):
        return silent
    initial = np.broadcast_to(layer.initial_potential, bias.shape).copy()
    initial[lost] = 0  # a start of half a threshold alone does not fire, yet nothing is left of it
    return replace(layer, connection=silent, initial_potential=initial)


def _with_weights(network: Network, change: Callable[[Floats, int], Floats]) -> Network:
    """The network with every weight array replaced by ``change(weight, index of its layer)``."""
    layers: list[Any] = []
    every: tuple[Any, ...] = network.layers
    for index, layer in enumerate(every):
        connection = _connection(layer)
        if connection is None:
            layers.append(layer)
            continue
        changed = replace(connection, weight=change(connection.weight, index))
        if isinstance(layer, SpikingLayer):
            layers.append(replace(layer, connection=changed))
        else:
            layers.append(changed)
    return _replaced(network, layers)


def _replaced(network: Network, layers: list[Any]) -> Network:
    if isinstance(network, SpikingModel):
        return network.replace(layers=tuple(layers))
    return replace(network, layers=tuple(layers))


def _connection(layer: Any) -> Dense | Conv2d | None:
    connection = layer.connection if isinstance(layer, SpikingLayer) else layer
    return connection if isinstance(connection, Dense | Conv2d) else None


def _rounded(weight: Floats, bits: int) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Rounded weights, their integers, and the step between two of them, (n_out,)."""
    largest = np.abs(weight).max(axis=tuple(range(weight.ndim - 1)), initial=0.0)
    step = np.where(largest > 0, largest / (2 ** (bits - 1) - 1), 1.0)
    codes = np.rint(weight / step).astype(np.int64)
    return (codes * step).astype(weight.dtype), codes, step


def _whole(value: float, lowest: int, highest: int) -> int:
    if value != int(value) or not lowest <= value <= highest:
        raise OptionError(f"bits must be an integer from {lowest} to {highest}, not {value!r}")
    return int(value)
