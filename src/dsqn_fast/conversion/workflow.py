"""A whole conversion as the command line does it: convert, calibrate early exit, diagnose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.conversion.agreement import Agreement, compare
from dsqn_fast.conversion.auto import Route
from dsqn_fast.conversion.auto_report import AutoReport
from dsqn_fast.conversion.calibration_set import check_observations, sample, share_out
from dsqn_fast.conversion.detail import (
    GIVE_EITHER,
    Observations,
    Say,
    Settings,
    calibration_for,
    convert_in_detail,
)
from dsqn_fast.conversion.diagnosis import MAX_STATES, Diagnosis, diagnose
from dsqn_fast.conversion.early_exit import (
    REFERENCES,
    EarlyExitReport,
    Reference,
    calibrate_early_exit,
)
from dsqn_fast.conversion.gather import gather_observations
from dsqn_fast.conversion.options import Recipe, check_share
from dsqn_fast.errors import OptionError
from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.byte_weights import with_byte_weights
from dsqn_fast.model.options import check_choice
from dsqn_fast.model.spiking import SpikingModel

FRESH_OBSERVATIONS = 4_000
"""States that are gathered after a conversion to look at it."""
FRESH_SEED = 1_000
"""Added to the seed for them, so that they are not those of the calibration."""


@dataclass(frozen=True, kw_only=True)
class EarlyExitOptions:
    """What an early exit must keep.

    Attributes:
        agreement: Wanted share of equal actions.
        confidence: With which probability.
        reference: Equal to the ``source`` network's, or to those after ``all-steps``.
    """

    agreement: float
    confidence: float = 0.95
    reference: Reference = "source"

    def __post_init__(self) -> None:
        check_share("the agreement of an early exit", self.agreement, allow_one=False)
        check_share("confidence", self.confidence, allow_one=False)
        check_choice("reference", self.reference, REFERENCES)


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """A policy and what is known about it.

    Attributes:
        model: The spiking policy.
        auto: How it was chosen; None for a named normalization.
        early_exit: How early it stops; None where it does not.
        diagnosis: A look at it on states that it was not calibrated on, where there are any.
        fresh_states: Whether the diagnosis is on such states.
        rounding: How often the source with rounded weights acts as it did before, on the states
            of the diagnosis; None where its weights were not rounded.
    """

    model: SpikingModel
    auto: AutoReport | None
    early_exit: EarlyExitReport | None
    diagnosis: Diagnosis
    fresh_states: bool
    rounding: Agreement | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "n_steps": self.model.n_steps,
            "auto": None if self.auto is None else self.auto.to_dict(),
            "early_exit": None if self.early_exit is None else self.early_exit.to_dict(),
            "diagnosis": self.diagnosis.to_dict(),
            "fresh_states": self.fresh_states,
            "rounding": None if self.rounding is None else self.rounding.to_dict(),
        }


def convert_and_diagnose(
    ann: AnnModel,
    observations: Observations | None = None,
    *,
    recipe: Recipe,
    settings: Settings,
    early_exit: EarlyExitOptions | None = None,
    routes: Sequence[Route] = (),
    round_to_bytes: bool = False,
    progress: Say | None = None,
) -> Outcome:
    """Convert a source network, let it stop early where asked, and look at the result.

    Args:
        ann: The source network.
        observations: (B, *shape), a file of them, or None to gather them.
        recipe: How to convert.
        settings: Everything else.
        early_exit: What an early exit must keep; None for none.
        routes: Fine-tuning routes for ``auto``.
        round_to_bytes: Round the source's weights first, to what ``weights_dtype="int8"`` stores:
            all that is measured is then of the policy as it is loaded again.
        progress: Told what is done next, in words.

    Raises:
        ModelError: A weight is too large to be rounded.
        OptionError: As `convert_in_detail` and `calibrate_early_exit`.
        ObservationError: Observations do not fit or are not finite.
    """
    say = progress or (lambda words: None)
    before = ann
    ann = with_byte_weights(ann) if round_to_bytes else ann
    done = convert_in_detail(
        ann, observations, recipe=recipe, settings=settings, routes=routes, progress=progress
    )
    model, calibrated = done.model, done.calibration
    given = None if calibrated is None or observations is None else calibrated.observations
    states, fresh = _states(model, given, settings, automatic=done.report is not None, say=say)
    report = None
    if early_exit is not None:
        say("calibrating the early exit")
        half = np.arange(len(states)) % 2 == 0
        model, report = calibrate_early_exit(
            model,
            states[half],
            wanted=early_exit.agreement,
            confidence=early_exit.confidence,
            reference=early_exit.reference,
            seed=settings.seed,
        )
        states = states[~half] if (~half).any() else states
    rounding = None
    if round_to_bytes:
        rounding = _compared(before, ann, states, settings.seed)
        noted = {**model.provenance, "rounded_weights": rounding.to_dict()}
        model = model.replace(provenance=noted)
    say("diagnosing")
    diagnosis = diagnose(
        model, states, wanted_agreement=settings.auto.agreement, seed=settings.seed
    )
    return Outcome(
        model=model,
        auto=done.report,
        early_exit=report,
        diagnosis=diagnosis,
        fresh_states=fresh,
        rounding=rounding,
    )


def _states(
    model: SpikingModel,
    given: NDArray[Any] | None,
    settings: Settings,
    *,
    automatic: bool,
    say: Say,
) -> tuple[NDArray[Any], bool]:
    """States to look at, and whether the conversion has not seen them.

    Given observations that `auto` tested itself on some of, those are taken; else the source
    plays again, with another seed; without an environment the given ones must do.
    """
    source, env_id = model.source, model.env_id
    if given is not None and automatic:
        return share_out(given, settings.auto.max_observations)[2], True
    if env_id is None or source is None:
        if given is None:
            raise OptionError(
                "a diagnosis needs observations, or an environment to gather them in, which the "
                f"source does not name: {GIVE_EITHER}"
            )
        return given, False
    say("gathering fresh states")
    options = replace(settings.calibration, max_observations=FRESH_OBSERVATIONS, episodes=None)
    played = gather_observations(
        source,
        env_id,
        options=options,
        seed=_fresh_seed(settings),
        import_modules=settings.env_id is not None,
    )
    return played.observations, True


def _compared(before: AnnModel, after: AnnModel, states: NDArray[Any], seed: int) -> Agreement:
    """How often a network acts as another one, on the states that a diagnosis takes."""
    chosen = sample(check_observations(before, states), MAX_STATES, seed)
    return compare(before.forward(chosen), after.forward(chosen).argmax(axis=1))


def _fresh_seed(settings: Settings) -> int:
    return (settings.seed + FRESH_SEED) % 2**64


def diagnose_policy(
    model: SpikingModel, observations: Observations | None = None, *, settings: Settings
) -> Diagnosis:
    """Look at a converted policy as it is.

    Args:
        model: The policy, with its source network.
        observations: (B, *shape), a file of them, or None to gather them.
        settings: Environment, T, seed and wanted agreement.

    Raises:
        OptionError: It carries no source network, or there are neither observations nor an
            environment.
        ObservationError: Observations do not fit or are not finite.
    """
    if model.source is None:
        raise OptionError(
            "a diagnosis compares with the source network, but the policy carries none: "
            "give the source's own file"
        )
    env_id = settings.env_id or model.env_id
    limits = replace(settings.calibration, max_observations=FRESH_OBSERVATIONS)
    where = replace(settings, env_id=env_id, calibration=limits, seed=_fresh_seed(settings))
    states = calibration_for(model.source, observations, where).observations
    return diagnose(
        model,
        states,
        n_steps=settings.n_steps,
        wanted_agreement=settings.auto.agreement,
        seed=settings.seed,
    )
