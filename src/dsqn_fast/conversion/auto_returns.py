"""Recipes compared by what they earn in the environment."""

from __future__ import annotations

from dsqn_fast.conversion.auto_report import PlayedReturn
from dsqn_fast.conversion.candidates import Scored, chosen_model
from dsqn_fast.conversion.gather import Played, Policy, greedy, play, spiking
from dsqn_fast.conversion.option_groups import AutoOptions
from dsqn_fast.conversion.options import FRONT_STEPS
from dsqn_fast.model.ann import AnnModel

COMPARING, FINAL = 1, 2
"""Added to the seed, for episodes that recipes are compared on, and those of the report."""


class Stage:
    """An environment in which recipes show their returns, each once."""

    def __init__(
        self, source: AnnModel, options: AutoOptions, env_id: str, *, import_modules: bool = False
    ) -> None:
        self.source, self.options, self.env_id = source, options, env_id
        self.import_modules = import_modules
        self._known: dict[tuple[str, str, int, bool], PlayedReturn] = {}
        self._source_means: dict[int, float] = {}

    def measure(self, chosen: Scored, n_steps: int, *, final: bool = False) -> PlayedReturn:
        """Returns of a recipe and of the source, on episodes that gathered no observations.

        Args:
            chosen: The recipe.
            n_steps: T.
            final: On episodes that no recipe is compared on: the best of several on the same
                episodes is partly the luckiest.
        """
        key = (chosen.task.route, chosen.recipe.describe(), n_steps, final)
        if key not in self._known:
            model = chosen_model(self.source, chosen, n_steps)
            seed = (chosen.task.seed + (FINAL if final else COMPARING)) % 2**64
            played = self._play(spiking(model, seed=seed), chosen, seed)
            if seed not in self._source_means:
                own = self._play(greedy(self.source), chosen, seed)
                self._source_means[seed] = float(own.returns.mean())
            wanted = self.source.forward(played.observations).argmax(axis=1)
            self._known[key] = PlayedReturn(
                episodes=len(played.returns),
                mean=float(played.returns.mean()),
                std=float(played.returns.std()),
                agreement=float((wanted == played.actions).mean()),
                source_mean=self._source_means[seed],
            )
        return self._known[key]

    def _play(self, policy: Policy, chosen: Scored, seed: int) -> Played:
        return play(
            policy,
            self.source,
            self.env_id,
            episodes=self.options.episodes,
            seed=seed,
            max_episode_steps=chosen.task.calibration.options.max_episode_steps,
            import_modules=self.import_modules,
        )


def choose_by_return(stage: Stage, scored: list[Scored]) -> tuple[Scored, int, str]:
    """Choose by the return where no recipe reaches the wanted agreement."""
    leaders = _leaders(scored, stage.options.finalists)
    wanted = stage.options.wanted_return
    if wanted is not None:
        largest = leaders[0].task.steps[-1]
        grid = sorted({n for n in FRONT_STEPS if n in leaders[0].task.steps} | {largest})
        for n_steps in grid:
            for leader in leaders:
                if surely_reaches(stage.measure(leader, n_steps), wanted):
                    return leader, n_steps, "return"
    returns = [stage.measure(leader, leader.n_steps) for leader in leaders]
    highest = max(returns, key=lambda one: one.mean)
    margin = highest.std / highest.episodes**0.5
    good = [
        leader
        for leader, one in zip(leaders, returns, strict=True)
        if one.mean >= highest.mean - margin
    ]
    best = min(good, key=lambda one: one.rank)
    return best, best.n_steps, "nothing"


def surely_reaches(played: PlayedReturn, wanted: float) -> bool:
    """Whether the one-sided 95 % lower bound of the mean return is at least the wanted one.

    The first of many numbers of steps is taken: the mean itself would be too hopeful.
    """
    error = float(played.std / played.episodes**0.5)
    return played.mean - 1.645 * error >= wanted


def equals_source(played: PlayedReturn) -> bool:
    """Whether the mean return is at most a standard error below the source network's."""
    margin = float(played.std / played.episodes**0.5)
    return played.mean >= played.source_mean - margin


def _leaders(scored: list[Scored], count: int) -> list[Scored]:
    """The best recipes, and of every route the best that clips no activation."""
    ordered = sorted(scored, key=lambda one: one.rank)
    leaders = ordered[:count]
    for route in dict.fromkeys(one.task.route for one in scored):
        unclipped = [
            one for one in ordered if one.task.route == route and one.recipe.percentile == 1
        ]
        leaders += [one for one in unclipped[:1] if one not in leaders]
    return leaders
