"""Fixed point of a first population with constant current: the current is rounded once.

The current is computed in float32 and then rounded, c' = rint(c * S), neuron by neuron, so that
every neuron may have a scale S of its own. How large a current is depends on the observation:
each scale leaves room for 32 thresholds per step, or for what inputs of size 4 can cause if that
is more.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import OptionError
from dsqn_fast.fixed_population import (
    FEWEST_LEVELS,
    LARGEST_POTENTIAL,
    FixedPopulation,
    too_few_levels,
)
from dsqn_fast.model.spiking import SpikingLayer, SpikingModel

Floats = NDArray[np.float64]
CURRENT_THRESHOLDS: Final = 32
CURRENT_INPUTS: Final = 4


def constant_population(
    model: SpikingModel, layer: SpikingLayer, index: int, *, one_scale: bool
) -> FixedPopulation:
    """Lay a first population with constant current out, each neuron at its largest scale.

    Args:
        model: The model that it belongs to.
        layer: Its layer.
        index: Of the layer, for messages.
        one_scale: All neurons get the same scale: their potentials are compared with each
            other, or the timing resets all of them by 1.

    Raises:
        OptionError: No scale keeps the range and enough bits.
    """
    bias = layer.connection.bias.astype(np.float64)
    threshold = np.broadcast_to(layer.threshold, bias.shape).astype(np.float64)
    start = np.broadcast_to(layer.initial_potential, bias.shape).astype(np.float64)
    *rows, width = layer.connection.weight.shape
    weight = layer.connection.weight.astype(np.float64).reshape(math.prod(rows), width)
    reach = CURRENT_INPUTS * (np.abs(bias) + np.abs(weight).sum(axis=0))
    lowest = 0 if model.timing == "spytorch" else -30
    scale = _largest_scales(threshold, start, reach, model.n_steps, lowest)
    if one_scale:
        scale = np.full_like(scale, scale.min(initial=2.0**30))
    rounded = np.maximum(np.rint(threshold * scale), 1)
    if (scale == 0).any() or (rounded < FEWEST_LEVELS).any():
        raise too_few_levels(index, model.n_steps)
    first = np.rint(start * scale)
    room = LARGEST_POTENTIAL - (np.abs(first) + np.maximum(scale, 1)) - rounded
    return FixedPopulation(
        scale=scale,
        weight=np.zeros(weight.shape, np.int16),
        bias=np.zeros(bias.shape, np.int32),
        threshold=rounded.astype(np.int32),
        initial_potential=first.astype(np.int32),
        chunk_rows=max(len(weight), 1),
        largest_current=_float32_below(room // model.n_steps),
    )


def _largest_scales(
    threshold: Floats, start: Floats, reach: Floats, n_steps: int, lowest: int
) -> Floats:
    """Per neuron the largest power of two that fits, 0 where none does."""
    scales = np.zeros_like(threshold)
    for exponent in range(lowest, 31):
        scale = 2.0**exponent
        rounded = np.maximum(np.rint(threshold * scale), 1)
        step = np.maximum(CURRENT_THRESHOLDS * rounded, reach * scale) + rounded / n_steps
        rest = np.abs(np.rint(start * scale)) + max(scale, 1.0)
        scales = np.where(n_steps * step + rest <= LARGEST_POTENTIAL, scale, scales)
    return scales


def _float32_below(values: Floats) -> NDArray[np.int32]:
    """The largest float32 numbers that are no larger, as integers."""
    _, exponent = np.frexp(values)
    unit = np.exp2(np.maximum(exponent - 24, 0))
    below: NDArray[np.int32] = (np.floor(values / unit) * unit).astype(np.int32)
    return below


def round_current(current: NDArray[np.floating], fixed: FixedPopulation) -> Floats:
    """A constant float32 current (B, *shape), rounded to the scales of its neurons, as float64.

    Raises:
        OptionError: A current is beyond the range.
    """
    scaled = np.rint(current.astype(np.float64) * fixed.scale)
    if not (np.abs(scaled) <= fixed.largest_current).all():
        raise range_error(current, fixed)
    return scaled / fixed.scale + 0.0  # an integer has no negative zero


def range_error(current: NDArray[np.floating], fixed: FixedPopulation) -> OptionError:
    """What to say of currents (B, *shape) one of which is beyond the range."""
    largest = fixed.largest_current / fixed.scale
    scaled = np.rint(current.astype(np.float64) * fixed.scale)
    beyond = ~(np.abs(scaled) <= fixed.largest_current)
    *_, neuron = (int(axis[0]) for axis in np.nonzero(beyond))
    found = current[beyond].flat[0]
    return OptionError(
        f"a current of the first layer is {found:g}, but fixed point holds at most "
        f"{largest[neuron]:g} for that neuron at this model's n_steps: scale the observations "
        "down, use fewer steps or precision 'float32'"
    )
