"""From a policy and settings to a layout: decisions are gathered, copies counted."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.conversion.gather import play, spiking
from dsqn_fast.deploy.spinnaker.copies import count_copies
from dsqn_fast.deploy.spinnaker.layout import Layout, lay_out
from dsqn_fast.deploy.spinnaker.settings import SpinnakerSettings
from dsqn_fast.errors import EnvironmentMismatchError, MissingExtraError, UnknownEnvironmentError
from dsqn_fast.model.observations import prepare_observations
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.run_options import expand_output_neurons

MOST_VALUES: Final = 2**21
"""Most (observation, value) that are gathered."""
MOST_DECISIONS: Final = 2000
EPSILON: Final = 0.3
"""Share of random actions: the chip's errors lead to states that the policy alone avoids."""
SEED: Final = 0


def plan(
    model: SpikingModel,
    settings: SpinnakerSettings,
    *,
    n_steps: int,
    observations: NDArray[Any] | None = None,
) -> Layout:
    """Lay a policy out for the chip.

    Args:
        model: The policy.
        settings: Choices.
        n_steps: T.
        observations: (B, *shape) to allow for and to count copies on; None lets the policy play
            its environment, where it names one that is installed.
    """
    seen = gathered(model) if observations is None else _prepared(model, observations)
    expanded = expand_output_neurons(model)
    copies = None
    if settings.reset == "copies":
        copies = count_copies(expanded, seen, n_steps=n_steps)
    return lay_out(expanded, settings, copies=copies, observations=seen)


def gathered(model: SpikingModel) -> NDArray[np.float64] | None:
    """Observations (B, *input_shape) of a policy that plays; None where it cannot."""
    if model.env_id is None:
        return None
    count = max(1, min(MOST_DECISIONS, MOST_VALUES // math.prod(model.input_shape)))
    try:
        played = play(
            spiking(model, seed=SEED),
            model,
            model.env_id,
            max_observations=count,
            epsilon=EPSILON,
            seed=SEED,
        )
    except (UnknownEnvironmentError, MissingExtraError, EnvironmentMismatchError):
        return None
    return _prepared(model, played.observations)


def _prepared(model: SpikingModel, observations: NDArray[Any]) -> NDArray[np.float64]:
    return prepare_observations(model, observations, np.float64).astype(np.float64, copy=False)
