"""From a policy and settings to a layout: decisions are gathered, copies counted."""

from __future__ import annotations

import math
from typing import Final

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
    seen: NDArray[np.float64] | None,
    *,
    n_steps: int,
) -> Layout:
    """Lay a policy out for the chip.

    Args:
        model: The policy.
        settings: Choices.
        seen: (B, *input_shape) to allow for and to count copies on, float64, channels last, as
            `gathered` gives them; None where there are none.
        n_steps: T.
    """
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
    seen = prepare_observations(model, played.observations, np.float64)
    return seen.astype(np.float64, copy=False)
