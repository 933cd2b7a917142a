"""Fixed point: a model with integer weights and potentials, laid out so that nothing overflows.

Each neuron, or channel of a convolution, has a scale S, a power of two: neurons are rounded apart
from each other. Those of the output, whose potentials are compared, share one scale, and so do
those that timing spytorch resets by 1. Weights (times the factor of average pooling), bias,
threshold and start potential are rounded to integers::

    W' = rint(W * S)    b' = rint(b * S)    theta' = rint(theta * S)    v0' = rint(v0 * S)

and the equations of `dsqn_fast.reference` run on these integers, exactly; burst neurons divide
integers and round down. A constant current is rounded in `dsqn_fast.fixed_current`. Integer
additions have no order: the results are the same whatever the kernel. S is the largest power of
two for which, in the worst case of all inputs spiking at every step,

- a weight fits 16 (or 8) bits,
- the sum over a chunk of rows fits 16 bits: sums are widened to 32 bits chunk by chunk, and
- potentials stay within 30 bits for all steps of the model's T.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.connectivity import pool_factor
from dsqn_fast.errors import UnsupportedError
from dsqn_fast.fixed_current import constant_population
from dsqn_fast.fixed_population import (
    FEWEST_LEVELS,
    LARGEST_POTENTIAL,
    LARGEST_SUM,
    FixedModel,
    FixedPopulation,
    check_weight_bits,
    too_few_levels,
)
from dsqn_fast.model.layers import AveragePool2d, Conv2d, Dense, Flatten
from dsqn_fast.model.spiking import SpikingLayer, SpikingModel

Integers = NDArray[np.integer]
Floats = NDArray[np.float64]
CHUNKS: Final = (1024, 512, 256, 128, 64)
ENOUGH_LEVELS: Final = 255
"""Chunks of rows are made shorter until half of the neurons have this many levels."""
CHANNEL_UNIT: Final = 16
"""The engine pads the channels of images to a multiple of this."""


def to_fixed_point(model: SpikingModel, *, weight_bits: int = 16) -> FixedModel:
    """Lay a model out in fixed point for its own n_steps.

    Args:
        model: The spiking model, its output neurons already doubled where asked for.
        weight_bits: 16, or 8 for weights of at most 8 bits.

    Raises:
        OptionError: ``weight_bits`` is neither, or no scale keeps the range and enough bits.
        UnsupportedError: The model leaks, or pools over windows whose size is no power of two.
    """
    check_weight_bits(weight_bits)
    _check_supported(model)
    populations: list[FixedPopulation] = []
    layers: list[Any] = []
    pools: list[AveragePool2d] = []
    for index, layer in enumerate(model.layers):
        if not isinstance(layer, SpikingLayer):
            pools += [layer] if isinstance(layer, AveragePool2d) else []
            layers.append(layer)
            continue
        if not populations and model.encoding == "constant":
            one = model.timing == "spytorch" or index == len(model.layers) - 1
            populations.append(constant_population(model, layer, index, one_scale=one))
            layers.append(_rounded_neurons(layer, populations[-1]))
        else:
            layout = _Layout(model, index, pools, weight_bits, first=not populations)
            populations.append(layout.fixed())
            layers.append(layout.as_floats(populations[-1]))
        pools = []
    return FixedModel(
        populations=tuple(populations), model=replace(model, layers=tuple(layers), source=None)
    )


def _check_supported(model: SpikingModel) -> None:
    neuron = model.neuron
    if neuron.alpha != 0 or neuron.beta != 1:
        raise UnsupportedError(
            f"fixed point needs alpha 0 and beta 1, not {neuron.alpha} and {neuron.beta}: "
            "use precision 'float32'"
        )
    for layer in model.layers:
        size = math.prod(layer.kernel) if isinstance(layer, AveragePool2d) else 1
        if size & (size - 1):
            raise UnsupportedError(
                f"fixed point needs pooling windows of 1, 2, 4, 8, ... values, not {size}: "
                "use precision 'float32'"
            )


def _rounded_neurons(layer: SpikingLayer, fixed: FixedPopulation) -> SpikingLayer:
    """The layer with rounded thresholds and start potentials."""
    return replace(
        layer,
        threshold=fixed.threshold / fixed.scale,
        initial_potential=fixed.initial_potential / fixed.scale,
    )


def packed_rows(model: SpikingModel, index: int) -> Integers:
    """Where the engine puts each row of weights of the dense layer ``index``.

    It pads the channels of every pixel of the image that reaches the layer; a vector is one pixel.
    """
    shapes = model.shapes()
    rows = np.arange(math.prod(shapes[index]))
    while isinstance(model.layers[index - 1], Flatten):
        index -= 1
    channels = max(shapes[index][-1], 1)
    padded = -(-channels // CHANNEL_UNIT) * CHANNEL_UNIT
    return rows // channels * padded + rows % channels


class _Layout:
    """Finds the scales of one population whose input are spikes, and rounds to them."""

    def __init__(
        self,
        model: SpikingModel,
        index: int,
        pools: list[AveragePool2d],
        weight_bits: int,
        *,
        first: bool,
    ) -> None:
        layer = model.layers[index]
        assert isinstance(layer, SpikingLayer)
        self.layer, self.index = layer, index
        self.timing, self.n_steps = model.timing, model.n_steps
        self.signed = first or model.neuron.spikes == "signed"
        self.largest_weight = 2 ** (weight_bits - 1) - 1
        self.factor = math.prod(float(pool_factor(p, np.dtype(np.float64))) for p in pools)
        self.largest_spike = math.prod(math.prod(p.kernel) for p in pools)
        if not first and model.neuron.spikes == "burst":
            self.largest_spike *= model.neuron.burst_limit
        connection = layer.connection
        weight = connection.weight.astype(np.float64)
        self.weight = weight.reshape(math.prod(weight.shape[:-1]), weight.shape[-1]) * self.factor
        padded = isinstance(connection, Dense) and not first  # the network's input has no padding
        self.rows = packed_rows(model, index) if padded else np.arange(len(self.weight))
        width = connection.bias.shape
        self.bias = connection.bias.astype(np.float64)
        self.threshold = np.broadcast_to(layer.threshold, width).astype(np.float64)
        self.start = np.broadcast_to(layer.initial_potential, width).astype(np.float64)
        self.largest = np.abs(self.weight).max(axis=0, initial=0.0)
        self.one_scale = model.timing == "spytorch" or index == len(model.layers) - 1

    def fixed(self) -> FixedPopulation:
        """The population at the largest scales that fit."""
        best: FixedPopulation | None = None
        n_rows = int(self.rows.max(initial=0)) + 1
        all_rows = -(-n_rows // CHANNEL_UNIT) * CHANNEL_UNIT  # as the engine pads them
        for chunk in CHUNKS:
            found = self._largest(min(chunk, all_rows))
            if best is None or (found is not None and self._levels(found) > self._levels(best)):
                best = found
            if best is not None and self._levels(best) >= min(ENOUGH_LEVELS, self.largest_weight):
                break
        if best is None or np.abs(self._largest_integers(best)).max() < FEWEST_LEVELS:
            raise too_few_levels(self.index, self.n_steps)
        return best

    def _largest_integers(self, fixed: FixedPopulation) -> Integers:
        """Of each neuron the largest weight; the smallest threshold of all without weights."""
        if self.weight.any():
            largest: Integers = np.abs(fixed.weight).max(axis=0)
            return largest
        return np.array([fixed.threshold.min(initial=LARGEST_POTENTIAL)])

    def _levels(self, fixed: FixedPopulation) -> float:
        """Levels of the largest weight of a middling neuron that has weights."""
        largest = self._largest_integers(fixed)
        return float(np.median(largest[self.largest > 0] if self.weight.any() else largest))

    def _largest(self, chunk: int) -> FixedPopulation | None:
        lowest = 0 if self.timing == "spytorch" else -30
        scale = np.zeros_like(self.bias)
        for exponent in range(30, lowest - 1, -1):
            left = np.flatnonzero(scale == 0)
            fits = self._fits(np.full(left.size, 2.0**exponent), chunk, left)
            scale[left[fits]] = 2.0**exponent
            if self.one_scale and not fits.all():
                scale[:] = 0  # all of them at once, or none
            if (scale > 0).all():
                return self._round(scale, chunk)
        return None

    def _fits(self, scale: Floats, chunk: int, neurons: Integers) -> NDArray[np.bool_]:
        """Whether each of these neurons keeps the range at its scale."""
        values = [self.bias[neurons], self.threshold[neurons], self.start[neurons]]
        largest = np.max([np.abs(v) for v in values], axis=0) * scale
        fits: NDArray[np.bool_] = largest <= LARGEST_POTENTIAL
        fits &= np.rint(self.largest[neurons] * scale) <= self.largest_weight
        kept = np.flatnonzero(fits)
        weight = np.rint(self.weight[:, neurons[kept]] * scale[kept]).astype(np.int64)
        bias, threshold, start = (np.rint(v[kept] * scale[kept]) for v in values)
        sums = _chunk_sums(weight, self.rows // chunk, self.signed) * self.largest_spike
        step = sums.sum(axis=0) + np.abs(bias) + np.maximum(threshold, 1)
        rest = np.abs(start) + np.maximum(scale[kept], 1.0)
        fits[kept] = sums.max(axis=0, initial=0) <= LARGEST_SUM
        fits[kept] &= self.n_steps * step + rest <= LARGEST_POTENTIAL
        return fits

    def _round(self, scale: Floats, chunk: int) -> FixedPopulation:
        """Integers at these scales."""
        return FixedPopulation(
            scale=scale,
            weight=np.rint(self.weight * scale).astype(np.int16),
            bias=np.rint(self.bias * scale).astype(np.int32),
            threshold=np.maximum(np.rint(self.threshold * scale), 1).astype(np.int32),
            initial_potential=np.rint(self.start * scale).astype(np.int32),
            chunk_rows=chunk,
            largest_current=np.zeros(self.bias.shape, np.int32),
        )

    def as_floats(self, fixed: FixedPopulation) -> SpikingLayer:
        """The layer with the rounded values."""
        connection: Dense | Conv2d = self.layer.connection
        weight = fixed.weight / (fixed.scale * self.factor)
        connection = replace(
            connection,
            weight=weight.reshape(connection.weight.shape),
            bias=fixed.bias / fixed.scale,
        )
        return _rounded_neurons(replace(self.layer, connection=connection), fixed)


def _chunk_sums(weight: Integers, chunks: Integers, signed: bool) -> NDArray[np.int64]:
    """Per chunk of rows and neuron the largest size of a sum; row r is in ``chunks[r]``.

    That is the larger of the positive and the negative sum, or both where spikes are signed.
    """
    starts = np.flatnonzero(np.diff(chunks, prepend=-1))
    if not len(starts):
        return np.zeros((1, weight.shape[1]), np.int64)
    positive = np.add.reduceat(np.maximum(weight, 0), starts, axis=0)
    negative = np.add.reduceat(np.maximum(-weight, 0), starts, axis=0)
    return positive + negative if signed else np.maximum(positive, negative)
