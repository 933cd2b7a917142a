"""Anytime decisions: when may a policy stop thinking?

A decision stops at the first step at which the best output potential leads the second by more
than kappa * spread. `calibrate_early_exit` finds the smallest kappa whose agreement with the
source network is, with stated confidence, at least the wanted one.

Every kappa of a grid is a hypothesis "its agreement is below the wanted one", tested by the exact
binomial bound (Clopper and Pearson 1934). Kappas are tested from the most cautious downwards, and
the first that cannot be rejected ends the test: in this fixed order every single test may use the
full error probability, and the bound holds for the kappa that is chosen in the end (fixed sequence
testing; Angelopoulos et al. 2021, Learn then Test). The hypotheses must not depend on the states
that test them: of every four blocks of consecutive states one gives the spread and the grid of
kappas, and the other three test them. States are taken as independent.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.conversion.calibration_set import check_observations
from dsqn_fast.conversion.options import check_share
from dsqn_fast.conversion.simulate import output_potentials
from dsqn_fast.errors import ObservationError, OptionError
from dsqn_fast.model.options import check_choice, steps_run
from dsqn_fast.model.spiking import EarlyExit, SpikingModel
from dsqn_fast.statistics import binomial_interval

Reference = Literal["source", "all-steps"]
REFERENCES: Final[tuple[Reference, ...]] = get_args(Reference)
GRID = 200
"""Values of kappa that are tested."""
BLOCKS = 40
"""Blocks of consecutive states that are shared out."""


@dataclass(frozen=True, kw_only=True)
class EarlyExitReport:
    """How early decisions stop with the calibrated kappa, on the states that tested it.

    Attributes:
        kappa: Factor on the spread.
        spread: Standard deviation over states of the margin between best and second output
            after all steps, in units of the output potential; on states of their own.
        wanted: Wanted agreement.
        confidence: Probability with which the true agreement is at least the wanted one.
        reference: Whose actions count as right: ``source`` or ``all-steps``.
        agreement: Share of equal actions.
        lower_bound: One-sided exact lower bound of the agreement at that confidence.
        states: Number of states that tested it.
        n_steps: T without stopping.
        mean_steps: Mean steps used.
        steps_95: 95 % of the decisions stop by this step.
    """

    kappa: float
    spread: float
    wanted: float
    confidence: float
    reference: Reference
    agreement: float
    lower_bound: float
    states: int
    n_steps: int
    mean_steps: float
    steps_95: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def calibrate_early_exit(
    model: SpikingModel,
    observations: NDArray[Any],
    *,
    wanted: float = 0.99,
    confidence: float = 0.95,
    reference: Reference = "source",
    seed: int = 0,
) -> tuple[SpikingModel, EarlyExitReport]:
    """Let a model stop early, as early as a wanted agreement allows.

    Args:
        model: The converted model, decoded by potential.
        observations: (B, *shape) that the conversion was not calibrated on, B >= 2; a quarter
            gives spread and grid, the others test.
        wanted: Agreement that must hold, below 1.
        confidence: With which probability, above 0.5 and below 1.
        reference: Agreement with the ``source`` network, or with the model's own decision
            after ``all-steps``.
        seed: Seed of the Poisson encoding.

    Returns:
        The model with its early exit set, and how it does.

    Raises:
        OptionError: No kappa reaches the agreement with that confidence, or an option is out
            of range, or the model has no source network or fewer than two outputs.
        ObservationError: There are fewer than 2 observations, or they do not fit.
    """
    check_share("wanted", wanted, allow_one=False)
    check_share("confidence", confidence, allow_one=False)
    if confidence <= 0.5:
        raise OptionError(f"confidence must be above 0.5 and below 1, not {confidence!r}")
    check_choice("reference", reference, REFERENCES)
    observations = check_observations(model, observations)
    if len(observations) < 2:
        raise ObservationError(
            f"an early exit needs at least 2 observations to calibrate it, not {len(observations)}"
        )
    proposing = proposing_states(len(observations))
    margins, actions = _margins(model, observations, seed)
    right = _right_actions(model, observations, actions, reference)[~proposing]
    spread = _spread(margins[proposing])
    grid = _grid(margins[proposing], spread)
    margins, actions = margins[~proposing], actions[~proposing]
    best: EarlyExitReport | None = None
    for kappa in grid:
        report = _report(model, margins, actions, right, kappa, spread, wanted, confidence)
        if report.lower_bound < wanted:
            best_possible = best or report
            break
        best = best_possible = report
    if best is None:
        raise OptionError(
            f"no early exit agrees with {_name(reference)} on {wanted:.2%} of the states with "
            f"{confidence:.0%} confidence: with all {model.n_steps} steps it is "
            f"{best_possible.agreement:.2%} of {len(right)} (at least "
            f"{best_possible.lower_bound:.2%}); lower the wanted agreement, raise T or give more "
            "states"
        )
    best = EarlyExitReport(**{**asdict(best), "reference": reference})
    exit_rule = EarlyExit(kappa=best.kappa, spread=best.spread)
    provenance = dict(model.provenance)
    provenance["early_exit"] = best.to_dict()
    return model.replace(early_exit=exit_rule, provenance=provenance), best


def proposing_states(count: int) -> NDArray[np.bool_]:
    """Which of the calibration states give the spread and the grid; the others test kappas."""
    block = np.arange(count) * BLOCKS // count
    chosen: NDArray[np.bool_] = (block % 4 == 0) & (np.arange(count) < max(count - 1, 1))
    return chosen


def margin_spread(model: SpikingModel, observations: NDArray[Any], *, seed: int = 0) -> float:
    """Standard deviation of the final margin over observations (B, *shape).

    Raises:
        OptionError: The model is not decoded by potential, or has fewer than two outputs, or
            all margins are equal.
    """
    margins, _ = _margins(model, observations, seed)
    return _spread(margins)


def _spread(margins: NDArray[np.floating]) -> float:
    spread = float(margins[:, -1].std())
    if not spread > 0:
        raise OptionError("early exit needs outputs that differ, but all margins are equal")
    return spread


def _name(reference: Reference) -> str:
    return "the source" if reference == "source" else "the decision after all steps"


def _margins(
    model: SpikingModel, observations: NDArray[Any], seed: int
) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
    """Margin and action (B, steps) after every step."""
    if model.decoding != "potential" or model.n_outputs < 2:
        raise OptionError(
            "early exit compares potentials of at least 2 outputs, but the model has "
            f"{model.n_outputs} and decoding {model.decoding!r}"
        )
    if steps_run(model.timing, model.n_steps) < 1:
        raise OptionError(
            f"early exit needs at least 1 step to stop at, but timing {model.timing!r} with "
            f"T = {model.n_steps} simulates none: raise T"
        )
    observations = check_observations(model, observations)
    model = model.replace(early_exit=None)
    margins, actions = [], []
    for potentials in output_potentials(model, observations, model.n_steps, seed=seed):
        ordered = np.partition(potentials, -2, axis=2)
        margins.append(ordered[..., -1] - ordered[..., -2])
        actions.append(potentials.argmax(axis=2))
    return np.concatenate(margins), np.concatenate(actions).astype(np.int64)


def _right_actions(
    model: SpikingModel,
    observations: NDArray[Any],
    actions: NDArray[np.int64],
    reference: Reference,
) -> NDArray[np.int64]:
    if reference == "all-steps":
        final: NDArray[np.int64] = actions[:, -1]
        return final
    if model.source is None:
        raise OptionError(
            "agreement with the source needs a source network, but the model carries none: "
            "use reference 'all-steps'"
        )
    right: NDArray[np.int64] = model.source.forward(observations).argmax(axis=1)
    return right


def _grid(margins: NDArray[np.floating], spread: float) -> NDArray[np.float64]:
    """Kappas from one that no margin exceeds downwards, evenly in quantiles of the margins."""
    values = np.quantile(margins.astype(np.float64), np.linspace(1, 0, GRID)) / spread
    values[0] *= 1.001
    grid: NDArray[np.float64] = np.unique(values[values > 0])[::-1]
    return grid


def _report(
    model: SpikingModel,
    margins: NDArray[np.floating],
    actions: NDArray[np.int64],
    right: NDArray[np.int64],
    kappa: float,
    spread: float,
    wanted: float,
    confidence: float,
) -> EarlyExitReport:
    stops = margins > margins.dtype.type(kappa * spread)
    last = margins.shape[1] - 1
    step = np.where(stops.any(axis=1), stops.argmax(axis=1), last)
    equal = actions[np.arange(len(actions)), step] == right
    # The low end of a two-sided interval with twice the error is the one-sided bound.
    two_sided = 1 - 2 * (1 - confidence)
    low = binomial_interval(int(equal.sum()), len(equal), confidence=two_sided, method="exact").low
    return EarlyExitReport(
        kappa=float(kappa),
        spread=spread,
        wanted=wanted,
        confidence=confidence,
        reference="source",
        agreement=float(equal.mean()),
        lower_bound=low,
        states=len(equal),
        n_steps=model.n_steps,
        mean_steps=float((step + 1).mean()),
        steps_95=float(np.quantile(step + 1, 0.95)),
    )
