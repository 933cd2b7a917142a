"""Fixed point: a model with integer weights and potentials, laid out so that nothing overflows.

Each population l has a scale S_l, a power of two. Its weights (times the factor of average
pooling), bias, threshold and start potential are rounded to integers::

    W' = rint(W * S)    b' = rint(b * S)    theta' = rint(theta * S)    v0' = rint(v0 * S)

and the equations of `dsqn_fast.reference` run on these integers, exactly. A constant current is
computed in float32 first: c' = rint(c * S). Integer additions have no order: the results are the
same whatever the kernel. S is the largest power of two for which, in the worst case of all
inputs spiking at every step,

- a weight fits 16 (or 8) bits,
- the sum over a chunk of rows fits 16 bits: sums are widened to 32 bits chunk by chunk, and
- potentials stay within 30 bits for all steps of the model's T.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.connectivity import pool_factor
from dsqn_fast.errors import OptionError, UnsupportedError
from dsqn_fast.model.layers import AveragePool2d, Conv2d, Dense
from dsqn_fast.model.spiking import SpikingLayer, SpikingModel

Integers = NDArray[np.integer]
LARGEST_POTENTIAL: Final = 2**30
LARGEST_SUM: Final = 2**15 - 1
FEWEST_LEVELS: Final = 15
"""A layer whose largest weight is rounded to fewer levels than this is refused."""
CHUNKS: Final = (1024, 512, 256, 128, 64)
ENOUGH_LEVELS: Final = 255
"""Chunks of rows are made shorter until the largest weight has this many levels."""
CURRENT_THRESHOLDS: Final = 32
"""A constant current may be this many thresholds per step."""


@dataclass(frozen=True, kw_only=True)
class FixedPopulation:
    """Integers of one population.

    Attributes:
        scale: S, a power of two: the integer that stands for 1.
        weight: (rows, n) int16, pooling's factor multiplied in; zeros where the current is
            constant.
        bias: (n,) int32; zeros where the current is constant.
        threshold: (n,) int32, at least 1.
        initial_potential: (n,) int32.
        chunk_rows: Rows whose weights are summed in 16 bits before they are widened.
        largest_current: Largest constant current.
    """

    scale: float
    weight: NDArray[np.int16]
    bias: NDArray[np.int32]
    threshold: NDArray[np.int32]
    initial_potential: NDArray[np.int32]
    chunk_rows: int
    largest_current: int


@dataclass(frozen=True, kw_only=True)
class FixedModel:
    """A model in fixed point.

    Attributes:
        populations: Integers, population by population.
        model: The same model with the rounded values, as float64: they are integers divided by
            a power of two, so that float64 computes with them exactly.
    """

    populations: tuple[FixedPopulation, ...]
    model: SpikingModel


def to_fixed_point(model: SpikingModel, *, weight_bits: int = 16) -> FixedModel:
    """Lay a model out in fixed point for its own n_steps.

    Args:
        model: The spiking model, its output neurons already doubled where asked for.
        weight_bits: 16, or 8 for weights of at most 8 bits.

    Raises:
        OptionError: ``weight_bits`` is neither, or no scale keeps the range and enough bits.
        UnsupportedError: The model leaks or has burst or signed spikes, or pools over windows
            whose size is no power of two.
    """
    if weight_bits not in (8, 16):
        raise OptionError(f"weight_bits must be 16 or 8, not {weight_bits!r}")
    _check_supported(model)
    populations: list[FixedPopulation] = []
    layers: list[Any] = []
    pools: list[AveragePool2d] = []
    for index, layer in enumerate(model.layers):
        if not isinstance(layer, SpikingLayer):
            pools += [layer] if isinstance(layer, AveragePool2d) else []
            layers.append(layer)
            continue
        constant = not populations and model.encoding == "constant"
        rounded = _Layout(model, layer, [] if constant else pools, index, weight_bits, constant)
        rounded.signed = not populations
        populations.append(rounded.fixed())
        layers.append(rounded.as_floats(populations[-1]))
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
    if neuron.spikes != "binary":
        raise UnsupportedError(
            f"fixed point needs binary spikes, not {neuron.spikes}: use precision 'float32'"
        )
    for layer in model.layers:
        size = math.prod(layer.kernel) if isinstance(layer, AveragePool2d) else 1
        if size & (size - 1):
            raise UnsupportedError(
                f"fixed point needs pooling windows of 1, 2, 4, 8, ... values, not {size}: "
                "use precision 'float32'"
            )


class _Layout:
    """Finds the scale of one population and rounds to it."""

    def __init__(
        self,
        model: SpikingModel,
        layer: SpikingLayer,
        pools: list[AveragePool2d],
        index: int,
        weight_bits: int,
        constant: bool,
    ) -> None:
        self.layer, self.index, self.constant = layer, index, constant
        self.timing, self.n_steps = model.timing, model.n_steps
        self.signed = False  # whether spikes may be -1: those of the encoding are
        self.largest_weight = 2 ** (weight_bits - 1) - 1
        self.factor = math.prod(float(pool_factor(p, np.dtype(np.float64))) for p in pools)
        self.largest_spike = math.prod(math.prod(p.kernel) for p in pools)
        connection = layer.connection
        weight = connection.weight.astype(np.float64)
        self.weight = weight.reshape(math.prod(weight.shape[:-1]), weight.shape[-1]) * self.factor
        width = connection.bias.shape
        self.bias = connection.bias.astype(np.float64)
        self.threshold = np.broadcast_to(layer.threshold, width).astype(np.float64)
        self.start = np.broadcast_to(layer.initial_potential, width).astype(np.float64)
        if constant:
            self.weight, self.bias = self.weight * 0, self.bias * 0

    def fixed(self) -> FixedPopulation:
        """The population at the largest scale that fits."""
        best: FixedPopulation | None = None
        for chunk in CHUNKS:
            found = self._largest(min(chunk, max(len(self.weight), 1)))
            if best is None or (found is not None and found.scale > best.scale):
                best = found
            if best is not None and self._levels(best) >= min(ENOUGH_LEVELS, self.largest_weight):
                break
        if best is None or self._levels(best) < FEWEST_LEVELS:
            raise OptionError(
                f"layer {self.index} keeps fewer than {FEWEST_LEVELS} levels of its largest value "
                f"in fixed point at n_steps {self.n_steps}: use fewer steps or precision 'float32'"
            )
        return best

    def _levels(self, fixed: FixedPopulation) -> int:
        """Integer of the largest weight, or of the smallest threshold without weights."""
        if self.weight.any():
            return int(np.abs(fixed.weight).max())
        return int(fixed.threshold.min(initial=LARGEST_POTENTIAL))

    def _largest(self, chunk: int) -> FixedPopulation | None:
        lowest = 0 if self.timing == "spytorch" else -30
        for exponent in range(30, lowest - 1, -1):
            found = self._round(2.0**exponent, chunk)
            if found is not None:
                return found
        return None

    def _round(self, scale: float, chunk: int) -> FixedPopulation | None:
        """Integers at a scale, or None where they do not fit."""
        values = [self.weight, self.bias, self.threshold, self.start]
        if max(np.abs(v).max(initial=0.0) for v in values) * scale > LARGEST_POTENTIAL:
            return None
        weight, bias, threshold, start = (np.rint(v * scale).astype(np.int64) for v in values)
        threshold = np.maximum(threshold, 1)
        if np.abs(weight).max(initial=0) > self.largest_weight:
            return None
        sums = _chunk_sums(weight, chunk, self.signed) * self.largest_spike
        if sums.max(initial=0) > LARGEST_SUM:
            return None
        step = sums.sum(axis=0) + np.abs(bias) + threshold
        if self.constant:
            step = CURRENT_THRESHOLDS * threshold
        rest = np.abs(start) + max(scale, 1.0)
        if (self.n_steps * step + rest).max(initial=0) > LARGEST_POTENTIAL:
            return None
        room = (LARGEST_POTENTIAL - rest - threshold).min(initial=LARGEST_POTENTIAL)
        return FixedPopulation(
            scale=scale,
            weight=weight.astype(np.int16),
            bias=bias.astype(np.int32),
            threshold=threshold.astype(np.int32),
            initial_potential=start.astype(np.int32),
            chunk_rows=chunk,
            largest_current=int(room // self.n_steps),
        )

    def as_floats(self, fixed: FixedPopulation) -> SpikingLayer:
        """The layer with the rounded values; its own weights where the current is constant."""
        connection: Dense | Conv2d = self.layer.connection
        if not self.constant:
            weight = fixed.weight / (fixed.scale * self.factor)
            connection = replace(
                connection,
                weight=weight.reshape(connection.weight.shape),
                bias=fixed.bias / fixed.scale,
            )
        return replace(
            self.layer,
            connection=connection,
            threshold=fixed.threshold / fixed.scale,
            initial_potential=fixed.initial_potential / fixed.scale,
        )


def _chunk_sums(weight: Integers, chunk: int, signed: bool) -> NDArray[np.int64]:
    """Per chunk of rows and neuron the largest size of a sum.

    That is the larger of the positive and the negative sum, or both where spikes are signed.
    """
    starts = np.arange(0, len(weight), chunk)
    if not len(starts):
        return np.zeros((1, weight.shape[1]), np.int64)
    positive = np.add.reduceat(np.maximum(weight, 0), starts, axis=0)
    negative = np.add.reduceat(np.maximum(-weight, 0), starts, axis=0)
    return positive + negative if signed else np.maximum(positive, negative)


def round_current(current: NDArray[np.floating], fixed: FixedPopulation) -> NDArray[np.float64]:
    """A constant float32 current, rounded to the scale of its population, as float64.

    Raises:
        OptionError: A current is beyond the range.
    """
    scaled = np.rint(current.astype(np.float64) * fixed.scale)
    if (np.abs(scaled) > fixed.largest_current).any():
        raise range_error(fixed)
    return scaled / fixed.scale + 0.0  # an integer has no negative zero


def range_error(fixed: FixedPopulation) -> OptionError:
    """What to say where a constant current is beyond the range."""
    return OptionError(
        f"a current of the first layer exceeds {fixed.largest_current / fixed.scale:g}, the "
        "largest that fixed point holds for this model's n_steps: use precision 'float32'"
    )


def check_fixed_steps(n_steps: int, model: SpikingModel) -> None:
    """Refuse more steps than the range was laid out for.

    Raises:
        OptionError: ``n_steps`` exceeds the model's own.
    """
    if n_steps > model.n_steps:
        raise OptionError(
            f"n_steps must be at most {model.n_steps} in fixed point, not {n_steps}: "
            f"use model.replace(n_steps={n_steps})"
        )
