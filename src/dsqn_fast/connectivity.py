"""Synaptic input in the order of additions that defines its bits, in NumPy.

Floating-point addition is not associative, so that the order is part of the definition::

    constant current:  c = b;  c += x_i * W[i, :]   for every i with x_i != 0, ascending
                       (the product is rounded, then added)
    spikes:            s = 0;  s += s_i * W[i, :]   for every i with s_i != 0, ascending

A convolution visits its inputs by kernel row, kernel column, input channel. Average pooling
between populations passes on integer spike sums; the factor 1 / (window size) is multiplied into
the weights of the layer that follows, once. Average pooling of a constant input is
``p = 0; p += x`` over kernel row and column, then ``p * (1 / window size)``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.model.forward import flattened, windows
from dsqn_fast.model.layers import AveragePool2d, Connection, Conv2d, Dense, Flatten, Weighted
from dsqn_fast.model.spiking import SpikingLayer, SpikingModel

Floats = NDArray[np.floating]


def _patches(connection: Conv2d, images: NDArray[np.generic]) -> NDArray[np.generic]:
    """Inputs of every output pixel: (B, rows, columns, kernel inputs in order)."""
    kernel = (connection.weight.shape[0], connection.weight.shape[1])
    view = windows(images, kernel, connection.stride, connection.padding)
    patches = view.transpose(0, 1, 2, 4, 5, 3)
    return flattened(patches, 3)


def _inputs_and_rows(
    connection: Weighted, values: NDArray[np.generic], dtype: np.dtype[np.floating]
) -> tuple[NDArray[np.generic], Floats]:
    weight = connection.weight.astype(dtype)
    if isinstance(connection, Dense):
        return values, weight
    rows = weight.reshape(math.prod(weight.shape[:3]), weight.shape[3])
    return _patches(connection, values), rows


def constant_current(connection: Weighted, values: Floats) -> Floats:
    """Current (B, *shape) that constant inputs ``values`` (B, *shape) cause, bias included."""
    inputs, rows = _inputs_and_rows(connection, values, values.dtype)
    bias = connection.bias.astype(values.dtype)
    current = np.broadcast_to(bias, (*inputs.shape[:-1], len(bias))).copy()
    for i, row in enumerate(rows):
        value = inputs[..., i, np.newaxis]
        current = np.where(value != 0, current + value * row, current)
    return current


def spike_current(
    connection: Weighted, spikes: NDArray[np.integer], factor: Floats, dtype: np.dtype[np.floating]
) -> Floats:
    """Current (B, *shape) that ``spikes`` (B, *shape) cause in one step, without bias.

    Args:
        connection: Dense or convolutional weights.
        spikes: Integer spikes s_i, or sums of spikes after average pooling.
        factor: What the weights are multiplied by first: 1, or 1 / (window size).
        dtype: float32 or float64.
    """
    inputs, rows = _inputs_and_rows(connection, spikes, dtype)
    rows = rows * factor
    current = np.zeros((*inputs.shape[:-1], rows.shape[1]), dtype)
    for i in np.flatnonzero(inputs.any(axis=tuple(range(inputs.ndim - 1)))):
        value = inputs[..., i, np.newaxis]
        current = np.where(value != 0, current + value.astype(dtype) * rows[i], current)
    return current


def pool_sum(layer: AveragePool2d, values: NDArray[Any]) -> NDArray[Any]:
    """Sum over windows of ``values`` (B, height, width, channels), in order."""
    view = windows(values, layer.kernel, layer.stride, (0, 0))
    total = np.zeros(view.shape[:4], values.dtype)
    for row in range(layer.kernel[0]):
        for column in range(layer.kernel[1]):
            total = total + view[..., row, column]
    return total


def pool_factor(layer: AveragePool2d, dtype: np.dtype[np.floating]) -> Floats:
    """1 / (window size), rounded to ``dtype``."""
    return np.asarray(1.0 / (layer.kernel[0] * layer.kernel[1]), dtype)


def fan_out(model: SpikingModel) -> tuple[NDArray[np.int64], ...]:
    """Synapses that leave each neuron: of the inputs first, then of every population.

    Returns:
        One flat array per source: the inputs (n,), then each population (n_l,); the output
        population has none. A window of average pooling passes each spike on once.
    """
    shapes = model.shapes()
    counts = np.zeros(shapes[-1], np.int64)
    result = [counts.ravel()]
    for index in range(len(model.layers) - 1, -1, -1):
        layer = model.layers[index]
        connection: Connection = layer.connection if isinstance(layer, SpikingLayer) else layer
        arriving = np.ones(shapes[index + 1], np.int64) if connection is not layer else counts
        counts = _scatter(connection, arriving, shapes[index])
        if index == 0 or isinstance(model.layers[index - 1], SpikingLayer):
            result.append(counts.ravel())
    return tuple(reversed(result))


def _scatter(
    connection: Connection, arriving: NDArray[np.int64], shape: tuple[int, ...]
) -> NDArray[np.int64]:
    """Sum of ``arriving`` over the outputs that each input reaches."""
    if isinstance(connection, Flatten):
        return arriving.reshape(shape)
    if isinstance(connection, Dense):
        return np.full(shape, arriving.sum(), np.int64)
    if isinstance(connection, Conv2d):
        kernel, padding = connection.weight.shape[:2], connection.padding
        arriving = np.repeat(arriving.sum(axis=2, keepdims=True), shape[2], axis=2)
    else:
        kernel, padding = connection.kernel, (0, 0)
    (rows, columns), stride = arriving.shape[:2], connection.stride
    padded = np.zeros((shape[0] + 2 * padding[0], shape[1] + 2 * padding[1], shape[2]), np.int64)
    for row in range(kernel[0]):
        for column in range(kernel[1]):
            stop = (row + stride[0] * rows, column + stride[1] * columns)
            padded[row : stop[0] : stride[0], column : stop[1] : stride[1]] += arriving
    return padded[padding[0] : padding[0] + shape[0], padding[1] : padding[1] + shape[1]]
