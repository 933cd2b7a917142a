"""A model's layers in the form that the compiled simulator is built from."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.connectivity import pool_factor, pool_sum
from dsqn_fast.errors import UnsupportedError
from dsqn_fast.fixed_population import FixedModel
from dsqn_fast.model.layers import AveragePool2d, Conv2d, Flatten, Shape
from dsqn_fast.model.spiking import SpikingLayer, SpikingModel

Floats = NDArray[np.floating]
MAX_POOLED: Final = 2**15 - 1
"""Pooled sums of spikes are kept in 16 signed bits."""
MAX_SIZE: Final = 2**26
"""Most neurons of a population and most rows of weights: events are numbered in 32 bits."""


def leading_pools(model: SpikingModel) -> tuple[AveragePool2d, ...]:
    """Average pooling before the first population."""
    first = next(i for i, layer in enumerate(model.layers) if isinstance(layer, SpikingLayer))
    return tuple(layer for layer in model.layers[:first] if isinstance(layer, AveragePool2d))


def pooled_input(model: SpikingModel, values: Floats) -> Floats:
    """Constant inputs (B, *shape) after the pooling before the first population."""
    for layer in leading_pools(model):
        values = pool_sum(layer, values) * pool_factor(layer, values.dtype)
    return values


def engine_input_shape(model: SpikingModel) -> Shape:
    """Shape of one observation as the compiled simulator takes it."""
    shape = tuple(model.input_shape)
    if model.encoding == "constant":
        for layer in leading_pools(model):
            shape = layer.output_shape(shape)
    return shape


def engine_layers(model: SpikingModel, dtype: np.dtype[Any]) -> list[dict[str, Any]]:
    """One description per population; see `make_layer` in the bindings.

    Raises:
        UnsupportedError: A population or a pooling window is larger than the engine takes.
    """
    layers: list[dict[str, Any]] = []
    pools: list[AveragePool2d] = []
    for index, (layer, shape) in enumerate(zip(model.layers, model.shapes()[1:], strict=True)):
        if isinstance(layer, Flatten):
            continue
        if isinstance(layer, AveragePool2d):
            pools.append(layer)
            continue
        _check_size(index, layer, shape)
        constant = not layers and model.encoding == "constant"
        layers.append(_layer(layer, [] if constant else pools, model, dtype))
        pools = []
    return layers


def fixed_layers(model: SpikingModel, integers: FixedModel) -> list[dict[str, Any]]:
    """The same for a model in fixed point; ``model`` is the one that it was made from."""
    layers = engine_layers(model, np.dtype(np.float32))
    for layer, fixed in zip(layers, integers.populations, strict=True):
        layer["weight"] = fixed.weight
        layer["arrays"] = [fixed.bias, fixed.threshold, fixed.initial_potential]
        layer["chunk_rows"] = fixed.chunk_rows
        layer["unit"] = int(max(fixed.one, 1.0))
    return layers


def _check_size(index: int, layer: SpikingLayer, shape: Shape) -> None:
    size = max(math.prod(shape), layer.connection.weight.size // max(shape[-1], 1))
    if size > MAX_SIZE:
        raise UnsupportedError(
            f"layer {index} has {size} neurons or rows of weights, but the engine takes at most "
            f"{MAX_SIZE}: use simulate_reference for this model"
        )


def _layer(
    layer: SpikingLayer, pools: list[AveragePool2d], model: SpikingModel, dtype: np.dtype[Any]
) -> dict[str, Any]:
    factor = dtype.type(1)
    largest = model.neuron.burst_limit if model.neuron.spikes == "burst" else 1
    for pool in pools:
        factor = dtype.type(factor * pool_factor(pool, dtype))
        largest *= pool.kernel[0] * pool.kernel[1]
    if largest > MAX_POOLED:
        raise UnsupportedError(
            f"average pooling may sum {largest} spikes in one step, but the engine takes at most "
            f"{MAX_POOLED}: use smaller windows"
        )
    connection = layer.connection
    *rows, n_out = connection.weight.shape
    weight = connection.weight.reshape(math.prod(rows), n_out).astype(dtype) * factor
    width = connection.bias.shape
    per_neuron = [np.broadcast_to(a, width) for a in (layer.threshold, layer.initial_potential)]
    arrays = [connection.bias, *per_neuron]
    return {
        "pools": [[*pool.kernel, *pool.stride, 0, 0] for pool in pools],
        "window": _window(connection) if isinstance(connection, Conv2d) else None,
        "weight": np.ascontiguousarray(weight, dtype=dtype),
        "arrays": [np.ascontiguousarray(array, dtype=dtype) for array in arrays],
        "chunk_rows": 0,
        "unit": 1,
    }


def _window(connection: Conv2d) -> list[int]:
    return [*connection.weight.shape[:2], *connection.stride, *connection.padding]
