"""Observations as users have them, turned into the array that a network takes."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dsqn_fast.errors import ObservationError, ObservationTypeError
from dsqn_fast.model.layers import Shape


class TakesObservations(Protocol):
    """What is needed of a model to check its observations."""

    @property
    def input_shape(self) -> Shape:
        """(n,) or (height, width, channels)."""

    @property
    def channels_first(self) -> bool:
        """Whether observations arrive as (channels, height, width)."""


def observation_shape(model: TakesObservations) -> Shape:
    """Shape of one observation as it arrives: channels first where the model says so."""
    shape = tuple(model.input_shape)
    if model.channels_first and len(shape) == 3:
        return (shape[2], shape[0], shape[1])
    return shape


def turn_images(model: TakesObservations, batch: NDArray[Any]) -> NDArray[Any]:
    """Images (B, height, width, channels) with their channels first where the model wants that.

    Anything else is given back as it is: whoever computes checks its shape.
    """
    wanted = observation_shape(model)
    if batch.shape[1:] == tuple(model.input_shape) != wanted:
        return batch.transpose(0, 3, 1, 2)
    return batch


def prepare_observations(
    model: TakesObservations, observations: NDArray[Any], dtype: DTypeLike
) -> NDArray[np.floating]:
    """Check observations and return them as (B, *input_shape), C-contiguous, channels last.

    Args:
        model: The network that takes them.
        observations: (B, *shape) or one observation of ``shape``; bool, integer or float.
        dtype: float32 or float64.

    Raises:
        ObservationTypeError: They are not real numbers.
        ObservationError: The shape does not fit, or a value is NaN or infinite.
    """
    try:
        array = np.asarray(observations)
    except ValueError:
        raise ObservationTypeError(
            "observations must be one array of numbers, not sequences of unequal lengths"
        ) from None
    if array.dtype.kind not in "biuf":
        raise ObservationTypeError(
            f"observations must be real numbers, not {array.dtype}: convert them to float32"
        )
    shape = observation_shape(model)
    if array.shape == shape:
        array = array[np.newaxis]
    if array.shape[1:] != shape or array.ndim != len(shape) + 1:
        raise ObservationError(
            f"observations must have shape (B, {', '.join(map(str, shape))}) or {shape}, "
            f"not {array.shape}"
        )
    with np.errstate(over="ignore"):
        array = array.astype(dtype, copy=False)
    finite = np.isfinite(array)
    if not finite.all():
        where = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise ObservationError(
            f"observations must be finite in {np.dtype(dtype)}, but entry {where} is {array[where]}"
        )
    if model.channels_first and len(shape) == 3:
        array = array.transpose(0, 2, 3, 1)
    return np.require(array, requirements=["C", "A"])
