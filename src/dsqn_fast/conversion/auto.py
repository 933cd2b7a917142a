"""The automatic conversion: normalisation, start potential and the smallest T that suffice.

Observations are shared out into calibration, selection and test states.

1. Recipes that do not depend on T are screened on some selection states; the best few are
   scored on all of them, at every T up to the largest.
2. The best is refined by calibrated start potentials, calibrated biases and local thresholds.
3. Where the wanted agreement is out of reach with binary spikes, burst spikes are tried.
   It counts as reached where its one-sided 95 % lower bound on the selection states does.
4. Where it still is, fine-tuning routes that the caller passes (they need torch, which this
   package does not import) give another network, which goes through 1 to 3; agreement is
   always measured against the source.
5. Where nothing reaches the agreement and the environment is known, the best few recipes play:
   a wanted return, if any, is looked for over T; else the one with the highest return is
   taken, and among returns within a standard error of it the highest agreement. The return of
   the report is that of other episodes, on which nothing was compared.

The figures of the report come from the test states, which no choice has looked at; where the
agreement on them is below the wanted one, it was not reached, whatever the selection showed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from dsqn_fast.conversion.agreement import Agreement, compare
from dsqn_fast.conversion.auto_front import measure_front
from dsqn_fast.conversion.auto_outcome import outcome_sentence
from dsqn_fast.conversion.auto_report import AutoReport
from dsqn_fast.conversion.auto_returns import Stage, choose_by_return, equals_source
from dsqn_fast.conversion.calibration_set import CalibrationSet, make_calibration_set, share_out
from dsqn_fast.conversion.candidates import (
    Scored,
    Task,
    basic_recipes,
    chosen_model,
    refined_recipes,
    score,
)
from dsqn_fast.conversion.energy import EnergyReport, activity_of, count_ann, count_snn
from dsqn_fast.conversion.option_groups import AutoOptions
from dsqn_fast.conversion.options import Dynamics
from dsqn_fast.conversion.simulate import simulate
from dsqn_fast.errors import OptionError
from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.results import SimulationResult


@dataclass(frozen=True, kw_only=True)
class Route:
    """A way to fine-tune a source network for few steps.

    Attributes:
        name: Such as ``qcfs`` or ``distill``.
        tune: From the source network, calibration observations, T and a seed to a network of
            the same shape.
    """

    name: str
    tune: Callable[[AnnModel, NDArray[Any], int, int], AnnModel]


@dataclass(frozen=True, kw_only=True, eq=False)
class AutoResult:
    """The chosen model and how it was found."""

    model: SpikingModel
    report: AutoReport


Say = Callable[[str], None]


def convert_automatically(
    calibration: CalibrationSet,
    *,
    dynamics: Dynamics,
    options: AutoOptions,
    percentile: float = 0.999,
    n_steps: int | None = None,
    env_id: str | None = None,
    import_modules: bool = False,
    routes: Sequence[Route] = (),
    seed: int = 0,
    progress: Say | None = None,
) -> AutoResult:
    """Choose a conversion; see the module's docstring for how.

    Args:
        calibration: The source network and its observations.
        dynamics: Reset, encoding, decoding and timing.
        options: What to aim at and how far to go.
        percentile: Quantile of the rules that have one, tried beside 0.99 and the maximum.
        n_steps: Take this T instead of searching for the smallest.
        env_id: Environment for the return; None for no playing.
        import_modules: Whether the user typed it, as in `make_environment`.
        routes: Fine-tuning routes, in the order in which they are tried.
        seed: Seed of everything random.
        progress: Told what is done next, in words.

    Raises:
        OptionError: A return is wanted, but there is no environment.
        ObservationError: There are too few observations to keep some apart.
    """
    say = progress or (lambda words: None)
    if options.wanted_return is not None and (env_id is None or not options.episodes):
        raise OptionError(
            "a wanted return needs an environment and episodes to measure it in: give `--env ID` "
            "(env_id in Python)"
        )
    source = calibration.ann
    rest, selection, test = share_out(calibration.observations, options.max_observations)
    steps = tuple(range(1, options.max_steps + 1)) if n_steps is None else (n_steps,)
    task = Task(
        ann=source,
        calibration=replace(calibration, observations=rest),
        dynamics=dynamics,
        seed=seed,
        states=selection,
        wanted=source.forward(selection).argmax(axis=1),
        agreement=options.agreement,
        steps=steps,
    )
    scored = _search(task, options, percentile, say)
    for route in routes:
        if min(scored, key=lambda one: one.rank).steps_needed is not None:
            break
        say(f"fine-tuning by {route.name}")
        tuned = route.tune(source, rest, steps[-1], seed)
        tuned_set = make_calibration_set(
            tuned, rest, options=calibration.options, seed=seed, origin=calibration.origin
        )
        other = replace(task, ann=tuned, calibration=tuned_set, route=route.name)
        scored += _search(other, options, percentile, say)
    stage = None
    if env_id is not None and options.episodes:
        stage = Stage(source, options, env_id, import_modules=import_modules)
    return _conclude(source, scored, test, options, stage, say)


def _search(task: Task, options: AutoOptions, percentile: float, say: Say) -> list[Scored]:
    """Steps 1 to 3 of the module's docstring; all recipes scored on all selection states."""
    basics = basic_recipes(percentile)
    say(f"screening {len(basics)} normalisations")
    screened = sorted(
        (score(task, recipe, states=options.screening) for recipe in basics),
        key=lambda one: one.rank,
    )
    say(f"scoring the best {options.finalists}")
    scored = [score(task, one.recipe) for one in screened[: options.finalists]]
    best = min(scored, key=lambda one: one.rank)
    say("calibrating potentials, biases and thresholds")
    scored += [score(task, recipe) for recipe in refined_recipes(best.recipe)]
    reached = any(one.steps_needed is not None for one in scored)
    if not reached and options.allow_bursts and task.dynamics.allows_bursts:
        bursts = replace(task, route=_with_bursts(task.route))
        for limit in options.burst_limits:
            say(f"trying bursts of up to {limit} spikes")
            recipe = replace(best.recipe, spikes="burst", burst_limit=limit)
            attempt = [score(bursts, replace(recipe, percentile=p)) for p in (1.0, percentile)]
            scored += attempt
            if any(one.steps_needed is not None for one in attempt):
                break
    return scored


def _with_bursts(route: str) -> str:
    return "bursts" if route == "conversion" else f"{route} and bursts"


def _conclude(
    source: AnnModel,
    scored: list[Scored],
    test: NDArray[Any],
    options: AutoOptions,
    stage: Stage | None,
    say: Say,
) -> AutoResult:
    best = min(scored, key=lambda one: one.rank)
    n_steps, played = best.n_steps, None
    trial = _try(source, best, n_steps, test)
    shown = best.steps_needed is not None
    reached = "agreement" if shown and trial.kept >= options.agreement else "nothing"
    if stage is not None:
        if reached == "nothing":
            say("no recipe reaches the agreement: comparing returns")
            best, n_steps, reached = choose_by_return(stage, scored)
            trial = _try(source, best, n_steps, test)
        say(f"playing {options.episodes} episodes")
        played = stage.measure(best, n_steps, final=True)
        if reached == "return" and played.mean < (options.wanted_return or 0.0):
            reached = "nothing"
        if reached == "nothing" and equals_source(played):
            reached = "source return"
    report = AutoReport(
        wanted_agreement=options.agreement,
        wanted_return=options.wanted_return,
        reached=reached,
        route=best.task.route,
        recipe=best.recipe.describe(),
        n_steps=n_steps,
        selection_states=best.states,
        test=trial.agreement,
        energy=EnergyReport(
            ann=count_ann(source, test), snn=count_snn(trial.model, test, activity_of(trial.result))
        ),
        front=measure_front(source, scored, test, best, n_steps),
        candidates=tuple(one.summary() for one in scored),
        played=played,
        sentence="",
    )
    report = replace(report, sentence=outcome_sentence(report, shown=shown))
    return AutoResult(model=trial.model, report=report)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Trial:
    """A recipe on the test states."""

    model: SpikingModel
    result: SimulationResult
    agreement: Agreement

    @property
    def kept(self) -> float:
        return self.agreement.agreement


def _try(source: AnnModel, chosen: Scored, n_steps: int, test: NDArray[Any]) -> _Trial:
    model = chosen_model(source, chosen, n_steps)
    result = simulate(model, test, seed=chosen.task.seed)
    agreement = compare(source.forward(test), result.actions)
    return _Trial(model=model, result=result, agreement=agreement)
