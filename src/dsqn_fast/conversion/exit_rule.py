"""An early exit with a kappa of the user's own."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import NDArray

from dsqn_fast.conversion.early_exit import margin_spread
from dsqn_fast.conversion.gather import greedy, play
from dsqn_fast.errors import OptionError
from dsqn_fast.model.spiking import EarlyExit, SpikingModel

SPREAD_OBSERVATIONS = 1_000
"""States on which the spread is measured where the model carries none."""


def with_kappa(
    model: SpikingModel, kappa: float, observations: NDArray[Any] | None = None, *, seed: int = 0
) -> SpikingModel:
    """The model with another kappa: a decision stops where the margin exceeds kappa * spread.

    Args:
        model: A model decoded by potential.
        kappa: Factor on the spread; 0 lets every decision run all its steps.
        observations: (B, *shape) on which the spread is measured where the model carries none.
        seed: Seed of the Poisson encoding.

    Raises:
        OptionError: ``kappa`` is negative or not finite, the model is not decoded by potential,
            or it carries no spread and there are no observations.
    """
    if not (isinstance(kappa, int | float) and math.isfinite(kappa) and kappa >= 0):
        raise OptionError(f"kappa must be a finite number of at least 0, not {kappa!r}")
    if kappa == 0:
        return model.replace(early_exit=None)
    if model.early_exit is not None:
        spread = model.early_exit.spread
    elif observations is None:
        raise OptionError(
            "the policy carries no calibrated spread of its margins: convert it with "
            "`--early-exit 0.99`, or give observations"
        )
    else:
        spread = margin_spread(model, observations, seed=seed)
    return model.replace(early_exit=EarlyExit(kappa=float(kappa), spread=spread))


def play_with_kappa(
    model: SpikingModel, kappa: float, *, env_id: str | None = None, seed: int = 0
) -> SpikingModel:
    """The same, letting the source network play where the spread has to be measured.

    Args:
        model: A model decoded by potential.
        kappa: As for `with_kappa`.
        env_id: Environment to play; None takes the model's own.
        seed: Seed of the episodes and of the Poisson encoding.

    Raises:
        OptionError: As `with_kappa`; also where there is no source network or environment.
    """
    wanted = model.env_id if env_id is None else env_id
    if kappa == 0 or model.early_exit is not None or model.source is None or wanted is None:
        return with_kappa(model, kappa, seed=seed)
    played = play(
        greedy(model.source),
        model.source,
        wanted,
        max_observations=SPREAD_OBSERVATIONS,
        seed=seed,
    )
    return with_kappa(model, kappa, played.observations, seed=seed)
