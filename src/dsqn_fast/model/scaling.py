"""Weights of a source network in units of what spikes stand for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.layers import Array, Shape, Weighted

Floats = NDArray[np.floating]


def scaled(layer: Weighted, before: Floats, scale: Floats) -> Weighted:
    """The layer with weights W * lambda_before / lambda and biases b / lambda.

    Args:
        layer: Of the source network.
        before: lambda of its inputs: (), or (channels,), of a flattened image too.
        scale: lambda of its outputs, () or (channels,).
    """
    weight = scaled_weight(layer.weight, before, scale)
    return replace(layer, weight=weight, bias=layer.bias / scale)


def scaled_weight(weight: Array, before: Floats, scale: Floats) -> Array:
    """W * lambda_before / lambda, the product first: the same bits on every machine.

    Args:
        weight: (..., inputs, n_out).
        before: lambda of the inputs: (), (inputs,), or (channels,) of a flattened image.
        scale: lambda of the outputs, () or (n_out,).
    """
    factor = before.astype(weight.dtype)
    if not before.ndim:
        product: Array = weight * factor / scale
        return product
    *outer, n_in, n_out = weight.shape
    pixels = n_in // max(before.size, 1)
    by_channel = weight.reshape(*outer, pixels, before.size, n_out) * factor[:, np.newaxis]
    scaled_up: Array = by_channel.reshape(weight.shape) / scale
    return scaled_up


def passed_on(scale: Floats, flattened: bool, shape: Shape) -> Floats:
    """Scale per channel of what comes out of a pooling or Flatten layer."""
    if flattened and scale.ndim and len(shape) == 3:
        return np.tile(scale, shape[0] * shape[1])
    return scale


def scaled_weights(source: AnnModel, scales: Sequence[Floats]) -> Iterator[Array]:
    """Weights of every weighted layer, scaled, one after the other.

    Args:
        source: The network.
        scales: lambda of every weighted layer, () or (channels,).
    """
    before: Floats = np.ones((), np.float32)
    remaining = iter(scales)
    for layer in source.layers:
        if isinstance(layer, Weighted):
            scale = next(remaining)
            yield scaled_weight(layer.weight, before, scale)
            before = scale
