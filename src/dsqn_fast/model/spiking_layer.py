"""One population of neurons and the connection that drives it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import ModelError
from dsqn_fast.model.checks import shown
from dsqn_fast.model.layers import AveragePool2d, Conv2d, Dense, Flatten, Shape, Weighted

Floats = NDArray[np.floating]


def _zero() -> Floats:
    return np.zeros((), np.float32)


def _one() -> Floats:
    return np.ones((), np.float32)


def _check_values(name: str, value: object, width: Shape) -> Floats:
    """Return ``value`` as an array: a float, or one finite float per neuron or channel."""
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):
        raise ModelError(f"{name} must be one array of floats, not {shown(value)}") from None
    if array.dtype not in (np.float32, np.float64):
        raise ModelError(f"{name} must be float32 or float64, not {array.dtype}")
    if array.shape not in ((), width):
        raise ModelError(f"{name} must have shape () or {width}, not {array.shape}")
    if not np.isfinite(array).all():
        raise ModelError(f"{name} contains NaN or infinity")
    if name != "initial_potential" and not (array > 0).all():
        raise ModelError(f"{name} must be above 0, but its smallest is {array.min()}")
    return array


@dataclass(frozen=True, kw_only=True, eq=False)
class SpikingLayer:
    """A connection and the population of neurons that it drives.

    Attributes:
        connection: Input weights and bias current per step, already normalised.
        threshold: () or one value per neuron (dense) or per channel (convolution), above 0.
        initial_potential: Potential before the first step, shaped like ``threshold`` may be.
        scale: The lambda by which the layer was normalised: a firing rate of 1 stands for an
            activation of ``scale``. Shaped like ``threshold`` may be.
    """

    connection: Weighted
    threshold: Floats = field(default_factory=_one)
    initial_potential: Floats = field(default_factory=_zero)
    scale: Floats = field(default_factory=_one)

    def __post_init__(self) -> None:
        if not isinstance(self.connection, Dense | Conv2d):
            raise ModelError(f"connection must be Dense or Conv2d, not {shown(self.connection)}")
        width = self.connection.bias.shape
        for name in ("threshold", "initial_potential", "scale"):
            array = _check_values(name, getattr(self, name), width)
            object.__setattr__(self, name, array)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Shape of the population for inputs of ``input_shape``."""
        return self.connection.output_shape(input_shape)


AnySpikingLayer = SpikingLayer | AveragePool2d | Flatten
