"""The Pareto front: what other numbers of steps would have given."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from dsqn_fast.conversion.agreement import compare
from dsqn_fast.conversion.auto_report import FrontPoint, pareto_front
from dsqn_fast.conversion.candidates import Scored, chosen_model
from dsqn_fast.conversion.energy import activity_of, count_snn
from dsqn_fast.conversion.options import FRONT_STEPS
from dsqn_fast.conversion.simulate import simulate
from dsqn_fast.model.ann import AnnModel


def measure_front(
    source: AnnModel,
    scored: list[Scored],
    states: NDArray[Any],
    best: Scored,
    n_steps: int,
) -> tuple[FrontPoint, ...]:
    """The chosen recipe and the best one of every route, over T."""
    q_values = source.forward(states)
    leaders = {best.recipe.describe() + best.task.route: best}
    for one in sorted(scored, key=lambda one: one.rank):
        if not any(leader.task.route == one.task.route for leader in leaders.values()):
            leaders[one.recipe.describe() + one.task.route] = one
    points = []
    for leader in leaders.values():
        largest = leader.task.steps[-1]
        grid = {n for n in FRONT_STEPS if n in leader.task.steps} | {largest}
        if leader is best:
            grid.add(n_steps)
        for n in sorted(grid):
            model = chosen_model(source, leader, n)
            result = simulate(model, states, seed=leader.task.seed)
            agreement = compare(q_values, result.actions)
            route = leader.task.route
            tuned = "" if route in ("conversion", "bursts") else f"{route}: "
            points.append(
                FrontPoint(
                    n_steps=n,
                    recipe=tuned + leader.recipe.describe(),
                    agreement=agreement.agreement,
                    regret=agreement.regret,
                    spikes=float(result.total_spikes.mean()),
                    nanojoule=count_snn(model, states, activity_of(result)).nanojoule,
                    chosen=leader is best and n == n_steps,
                )
            )
    return pareto_front(points)
