"""The observations that a conversion may look at, and what is derived from them once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.conversion.activations import LayerActivations, collect_activations
from dsqn_fast.conversion.option_groups import CalibrationOptions
from dsqn_fast.errors import ObservationError
from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.observations import (
    TakesObservations,
    observation_shape,
    prepare_observations,
)

CHECKED_AT_ONCE = 2_000
"""Observations that are checked at once: images take four times their memory meanwhile."""
SHARED_BLOCKS = 20
"""Blocks of consecutive observations that a set is cut into before it is shared out."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CalibrationSet:
    """Checked observations of one source network.

    Attributes:
        ann: The source network.
        observations: (B, *shape) as they arrive, float32 or as given.
        options: Limits on how many are used.
        seed: Seed of every subsample.
        origin: Where they come from, in words.
    """

    ann: AnnModel
    observations: NDArray[Any]
    options: CalibrationOptions
    seed: int
    origin: str

    @cached_property
    def activations(self) -> tuple[LayerActivations, ...]:
        """Activations on at most ``options.max_observations`` randomly chosen observations."""
        chosen = sample(self.observations, self.options.max_observations, self.seed)
        return collect_activations(self.ann, chosen, seed=self.seed)

    @cached_property
    def first_activations(self) -> tuple[LayerActivations, ...]:
        """Activations on the first ``options.max_observations`` observations."""
        if len(self.observations) <= self.options.max_observations:
            return self.activations
        chosen = self.observations[: self.options.max_observations]
        return collect_activations(self.ann, chosen, seed=self.seed)

    @cached_property
    def to_simulate(self) -> NDArray[Any]:
        """At most ``options.max_simulated`` randomly chosen observations."""
        return sample(self.observations, self.options.max_simulated, self.seed)

    def describe(self) -> dict[str, Any]:
        """Size, origin and hash, for provenance."""
        used = min(len(self.observations), self.options.max_observations)
        data = np.ascontiguousarray(self.observations)
        return {
            "origin": self.origin,
            "observations": len(self.observations),
            "used_for_activations": used,
            "used_for_simulation": len(self.to_simulate),
            "sha256": hashlib.sha256(data.tobytes()).hexdigest(),
            "dtype": str(data.dtype),
        }


def make_calibration_set(
    ann: AnnModel,
    observations: NDArray[Any],
    *,
    options: CalibrationOptions,
    seed: int,
    origin: str,
) -> CalibrationSet:
    """Check observations and hold them as a calibration set.

    Raises:
        ObservationError: There are none, they do not fit, or one is not finite.
        ObservationTypeError: They are not real numbers.
    """
    array = check_observations(ann, observations)
    if array.dtype == np.float64:
        array = array.astype(np.float32)
    return CalibrationSet(ann=ann, observations=array, options=options, seed=seed, origin=origin)


def check_observations(network: TakesObservations, observations: Any) -> NDArray[Any]:
    """Return observations as (B, *shape), B >= 1, with the values and type they have.

    Raises:
        ObservationError: There are none, they do not fit, or one is not finite.
        ObservationTypeError: They are not real numbers.
    """
    shape = observation_shape(network)
    try:
        array = np.asarray(observations)
    except ValueError:  # sequences of unequal lengths
        prepare_observations(network, observations, np.float32)
        raise
    if array.shape == shape:
        array = array[np.newaxis]
    if array.ndim and not len(array):
        raise ObservationError(
            f"conversion needs at least 1 observation of shape {shape}, not 0: give some"
        )
    if not array.ndim:
        prepare_observations(network, array, np.float32)
    for start in range(0, len(array), CHECKED_AT_ONCE):
        prepare_observations(network, array[start : start + CHECKED_AT_ONCE], np.float32)
    return array


def sample(observations: NDArray[Any], size: int, seed: int) -> NDArray[Any]:
    """At most ``size`` randomly chosen observations, in their order."""
    if len(observations) <= size:
        return observations
    chosen = np.random.default_rng(seed).choice(len(observations), size, replace=False)
    return observations[np.sort(chosen)]


def share_out(
    observations: NDArray[Any], size: int
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Cut observations into calibration, selection and test states.

    Consecutive states are alike, so that blocks are dealt out instead of single states: of
    every ten blocks six are for calibration and two each for the others, spread over the
    whole set.

    Args:
        observations: (B, *shape), B >= 10.
        size: At most so many states for selection, and as many for the test.

    Raises:
        ObservationError: There are too few.
    """
    if len(observations) < 10:
        raise ObservationError(
            f"choosing a conversion needs at least 10 observations, not {len(observations)}: "
            "give more, or name a normalization"
        )
    blocks = min(10 * SHARED_BLOCKS, len(observations))
    number = np.arange(len(observations)) * blocks // len(observations) % 10
    selecting, testing = np.isin(number, (2, 7)), np.isin(number, (4, 9))
    selection, test = observations[selecting], observations[testing]
    return (
        observations[~(selecting | testing)],
        _spread(selection, size),
        _spread(test, size),
    )


def _spread(observations: NDArray[Any], size: int) -> NDArray[Any]:
    if len(observations) <= size:
        return observations
    chosen: NDArray[Any] = observations[np.linspace(0, len(observations) - 1, size).astype(int)]
    return chosen
