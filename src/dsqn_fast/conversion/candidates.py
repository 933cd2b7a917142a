"""Recipes scored on selection states: how many steps does each need?"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.conversion.agreement import share_that_shows
from dsqn_fast.conversion.auto_report import CandidateScore
from dsqn_fast.conversion.calibration_set import CalibrationSet
from dsqn_fast.conversion.follow import follow_recipe
from dsqn_fast.conversion.options import Dynamics, Recipe
from dsqn_fast.conversion.simulate import actions_over_steps
from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.spiking import SpikingModel


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """What candidates are compared on.

    Attributes:
        ann: The network whose weights are converted (fine-tuned or the source itself).
        calibration: Calibration observations of that network.
        dynamics: Reset, encoding, decoding and timing.
        seed: Seed of everything random.
        states: (B, *shape) selection states.
        wanted: (B,) the source network's actions there.
        agreement: Wanted share of equal actions.
        steps: Numbers of steps that are possible, ascending.
        route: Name of the route that the network came by.
    """

    ann: AnnModel
    calibration: CalibrationSet
    dynamics: Dynamics
    seed: int
    states: NDArray[Any]
    wanted: NDArray[np.int64]
    agreement: float
    steps: tuple[int, ...]
    route: str = "conversion"

    def build(self, recipe: Recipe, n_steps: int) -> SpikingModel:
        """The model that a recipe gives."""
        return follow_recipe(
            self.ann,
            self.calibration,
            recipe,
            dynamics=self.dynamics,
            n_steps=n_steps,
            seed=self.seed,
        )


@dataclass(frozen=True, kw_only=True)
class Scored:
    """A recipe and how it did.

    Attributes:
        task: Where it was scored.
        recipe: The recipe.
        curve: (T, agreement) for every number of steps tried, ascending.
        states: Number of states.
        enough: Agreement on them that shows the wanted one, see `share_that_shows`.
    """

    task: Task = field(compare=False)
    recipe: Recipe
    curve: tuple[tuple[int, float], ...]
    states: int
    enough: float

    @property
    def steps_needed(self) -> int | None:
        """Smallest T from which on the wanted agreement is shown at every T tried."""
        needed = None
        for n_steps, agreement in reversed(self.curve):
            if agreement < self.enough:
                break
            needed = n_steps
        return needed

    @property
    def n_steps(self) -> int:
        """Steps to run: those needed, else the T of the highest agreement, the larger of equals.

        Equals are rare on many states; on few of them they show nothing, and a larger T is safer.
        """
        if self.steps_needed is not None:
            return self.steps_needed
        return max(self.curve, key=lambda point: (point[1], point[0]))[0]

    @property
    def agreement(self) -> float:
        """Agreement at ``n_steps``."""
        return dict(self.curve)[self.n_steps]

    @property
    def rank(self) -> tuple[float, float, bool]:
        """Smaller is better: steps needed, then agreement, then the simpler recipe."""
        needed = self.steps_needed
        return (
            float("inf") if needed is None else needed,
            -self.agreement,
            self.recipe.depends_on_steps,
        )

    def summary(self) -> CandidateScore:
        """For the report."""
        return CandidateScore(
            recipe=self.recipe.describe(),
            route=self.task.route,
            steps_needed=self.steps_needed,
            agreement=self.agreement,
            states=self.states,
        )


def score(task: Task, recipe: Recipe, *, states: int | None = None) -> Scored:
    """Agreement of a recipe over the possible numbers of steps.

    A recipe that depends on T is followed anew for every power of two (and the most steps);
    others are simulated once.

    Args:
        task: What to compare on.
        recipe: The recipe.
        states: Use only so many of the selection states, spread over them, and take the agreement
            on them as it is: for a comparison that accepts nothing.
    """
    screening = states is not None
    observations, wanted = task.states, task.wanted
    if states is not None and states < len(observations):
        chosen = np.linspace(0, len(observations) - 1, states).astype(int)
        observations, wanted = observations[chosen], wanted[chosen]
    enough = task.agreement
    if not screening:
        enough = share_that_shows(task.agreement, len(observations))
    coarse = _coarse(task.steps)
    curve: list[tuple[int, float]] = []
    if recipe.depends_on_steps:
        # Downwards: below the first T that fails none can be the one that is needed.
        for n in reversed(coarse):
            model = task.build(recipe, n)
            actions = actions_over_steps(model, observations, [n], seed=task.seed)[0]
            curve.insert(0, (n, float((actions == wanted).mean())))
            if curve[0][1] < enough:
                break
    else:
        steps = task.steps if task.dynamics.decoding == "potential" else coarse
        model = task.build(recipe, steps[-1])
        rows = actions_over_steps(model, observations, steps, seed=task.seed)
        curve = [(n, float((row == wanted).mean())) for n, row in zip(steps, rows, strict=True)]
    return Scored(
        task=task, recipe=recipe, curve=tuple(curve), states=len(observations), enough=enough
    )


def _coarse(steps: tuple[int, ...]) -> tuple[int, ...]:
    powers = [n for n in steps if n & (n - 1) == 0 and n >= 4]
    return tuple(sorted({*powers, steps[-1]}))


def basic_recipes(percentile: float) -> list[Recipe]:
    """Recipes that do not depend on T and are tried first."""
    channel = [
        Recipe(normalization="channel", percentile=p)
        for p in dict.fromkeys([1.0, percentile, 0.99])
    ]
    return [
        *channel,
        Recipe(normalization="robust", percentile=percentile),
        Recipe(normalization="data"),
        Recipe(normalization="channel", percentile=1.0, initial_potential="zero"),
    ]


def refined_recipes(best: Recipe) -> list[Recipe]:
    """Recipes that correct the best of the basic ones, for each T anew."""
    return [
        replace(best, initial_potential="calibrated"),
        replace(best, calibrate_bias=True),
        replace(best, normalization="local-threshold"),
    ]


def chosen_model(source: AnnModel, chosen: Scored, n_steps: int) -> SpikingModel:
    """The model of a recipe at T; its source is the network that was given, tuned or not."""
    return chosen.task.build(chosen.recipe, n_steps).replace(source=source)
