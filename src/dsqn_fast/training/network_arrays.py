"""The bare weights of a dense network, plain or spiking, and a network with other weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from dsqn_fast.model import AnnModel, Dense, SpikingLayer
from dsqn_fast.training.network_evaluation import Network


def plain_arrays(network: Network) -> dict[str, NDArray[Any]]:
    """Weights and biases of a dense network under the names w0, b0, w1, ..."""
    arrays = {}
    for index, layer in enumerate(network.layers):
        dense = layer.connection if isinstance(layer, SpikingLayer) else layer
        assert isinstance(dense, Dense)
        arrays[f"w{index}"], arrays[f"b{index}"] = dense.weight, dense.bias
    return arrays


def with_arrays(network: Network, arrays: Mapping[str, NDArray[Any]]) -> Network:
    """A network like ``network`` with the weights of `plain_arrays`."""
    dense = [
        Dense(weight=arrays[f"w{index}"], bias=arrays[f"b{index}"])
        for index in range(len(network.layers))
    ]
    if isinstance(network, AnnModel):
        return replace(network, layers=tuple(dense))
    pairs = zip(network.populations, dense, strict=True)
    return replace(network, layers=tuple(replace(layer, connection=one) for layer, one in pairs))
