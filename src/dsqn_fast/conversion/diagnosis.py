"""What a conversion loses, where, and what would help: before anyone deploys it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from numpy.typing import NDArray

from dsqn_fast.conversion.advice import advise, rate_step
from dsqn_fast.conversion.agreement import compare
from dsqn_fast.conversion.calibration_set import check_observations, sample
from dsqn_fast.conversion.converted_network import converted_network
from dsqn_fast.conversion.energy import EnergyReport, activity_of, count_ann, count_snn
from dsqn_fast.conversion.layer_diagnosis import LayerDiagnosis, diagnose_layers
from dsqn_fast.conversion.options import check_count, check_kind, check_share
from dsqn_fast.conversion.q_gap import QGap, measure_gap
from dsqn_fast.conversion.simulate import actions_over_steps, simulate
from dsqn_fast.errors import OptionError
from dsqn_fast.model.checks import shown
from dsqn_fast.model.options import check_n_steps
from dsqn_fast.model.spiking import SpikingModel

MAX_STATES = 2_000
CURVE_STEPS = (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """Agreement and regret at another T; see `Agreement` for both."""

    n_steps: int
    agreement: float
    regret: float


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """A converted network looked at on some states.

    Attributes:
        n_steps: T.
        wanted_agreement: What is aimed at.
        states: Number of states.
        agreement: Share of decisions that equal the source network's.
        low: Low end of its 95 % interval.
        high: High end.
        regret: As in `Agreement`.
        gap: Distribution of the gap between best and second output of the source.
        gap_too_small: Whether the gap of the median state is below the step in which rates are
            resolved (1 / T, of bursts 1 / T / limit), while the wanted agreement is missed, also
            by decisions that run all their steps.
        fine_tuned: Share of decisions in which the network that was converted equals the source,
            where it is another one, by fine-tuning or distillation; None where it is the source.
        layers: Every population, first to last, beside the network that was converted.
        worst_layer: Name of the layer that loses most agreement; None if none loses any.
        curve: Agreement and regret over T.
        energy: Operations and estimated energy of source and spiking network.
        advice: What to do, in a sentence.
    """

    n_steps: int
    wanted_agreement: float
    states: int
    agreement: float
    low: float
    high: float
    regret: float
    gap: QGap
    gap_too_small: bool
    fine_tuned: float | None
    layers: tuple[LayerDiagnosis, ...]
    worst_layer: str | None
    curve: tuple[CurvePoint, ...]
    energy: EnergyReport
    advice: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    def to_json(self) -> str:
        """As JSON text."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)


def diagnose(
    model: SpikingModel,
    observations: NDArray[Any],
    *,
    n_steps: int | None = None,
    wanted_agreement: float = 0.99,
    steps: Sequence[int] | None = None,
    max_states: int = MAX_STATES,
    seed: int = 0,
) -> Diagnosis:
    """Look at a converted network.

    Args:
        model: The converted model, with its source network.
        observations: (B, *shape), at best not those that it was calibrated on.
        n_steps: T; None for the model's own.
        wanted_agreement: What is aimed at, above 0 and at most 1.
        steps: Numbers of steps of the curve; None for powers of two up to T.
        max_states: Look at so many of the observations at most, a seeded sample.
        seed: Seed of the sample and of the Poisson encoding.

    Raises:
        OptionError: The model carries no source network, or an option is out of range.
        ObservationError: Observations do not fit.
    """
    check_kind("model", model, SpikingModel)
    ann = model.source
    if ann is None:
        raise OptionError(
            "a diagnosis compares with the source network, but the model carries none: "
            "convert the source again"
        )
    n_steps = check_n_steps(model.n_steps if n_steps is None else n_steps)
    check_share("wanted_agreement", wanted_agreement)
    check_count("max_states", max_states)
    grid = _grid(n_steps, steps)
    states = sample(check_observations(model, observations), max_states, seed)
    result = simulate(model, states, n_steps=n_steps, seed=seed)
    q_values = ann.forward(states)
    wanted = q_values.argmax(axis=1)
    converted = converted_network(model)
    tuned = None
    if converted is not ann:
        tuned = float((converted.forward(states).argmax(axis=1) == wanted).mean())
    here = compare(q_values, result.actions)
    gap = measure_gap(q_values)
    layers = diagnose_layers(model, converted, wanted, states, result, n_steps, seed=seed)
    worst = max(layers, key=lambda layer: layer.agreement_lost)
    whole = here.agreement
    if model.early_exit is not None:
        late = simulate(model.replace(early_exit=None), states, n_steps=n_steps, seed=seed)
        whole = compare(q_values, late.actions).agreement
    missed = max(here.agreement, whole) < wanted_agreement
    too_small = missed and gap.median < rate_step(model, n_steps)
    actions = actions_over_steps(model, states, grid, seed=seed)
    return Diagnosis(
        n_steps=n_steps,
        wanted_agreement=wanted_agreement,
        states=here.states,
        agreement=here.agreement,
        low=here.low,
        high=here.high,
        regret=here.regret,
        gap=gap,
        gap_too_small=too_small,
        fine_tuned=tuned,
        layers=layers,
        worst_layer=worst.name if worst.agreement_lost > 0 else None,
        curve=tuple(
            CurvePoint(n_steps=n, agreement=point.agreement, regret=point.regret)
            for n, row in zip(grid, actions, strict=True)
            for point in (compare(q_values, row),)
        ),
        energy=EnergyReport(
            ann=count_ann(ann, states), snn=count_snn(model, states, activity_of(result))
        ),
        advice=advise(
            model, n_steps, here, wanted_agreement, gap, layers, whole=whole, fine_tuned=tuned
        ),
    )


def _grid(n_steps: int, steps: Sequence[int] | None) -> list[int]:
    """Numbers of steps of the curve, ascending."""
    if steps is None:
        return [*(n for n in CURVE_STEPS if n < n_steps), n_steps]
    if isinstance(steps, str) or not isinstance(steps, Sequence) or not len(steps):
        raise OptionError(f"steps must be a list of at least 1 number of steps, not {shown(steps)}")
    return sorted({check_n_steps(n, "steps") for n in steps})
