"""Episodes of a spiking policy and of its source network under disturbances."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from dsqn_fast.agents import AnnAgent, SpikingAgent
from dsqn_fast.environments import Environment, check_fits, make_environment
from dsqn_fast.errors import OptionError
from dsqn_fast.evaluation import evaluate
from dsqn_fast.model import AnnModel, SpikingModel
from dsqn_fast.model.options import check_n_steps
from dsqn_fast.random_actions import check_epsilon
from dsqn_fast.robustness.catalogue import Disturbance, disturbances_for
from dsqn_fast.robustness.report import Condition, RobustnessReport
from dsqn_fast.run_options import check_seed

SPREAD_DECISIONS = 500
"""Undisturbed decisions of the source network that the spread of vector inputs is taken from."""


@dataclass(frozen=True, kw_only=True)
class RobustnessOptions:
    """How robustness is measured.

    Attributes:
        disturbances: Names; None for all that fit the policy.
        episodes: Episodes per level and seed.
        seeds: How many seeds, each with episodes and, of networks, a disturbance of its own.
        bar_every: Rows from one position of the bar to the next.
        n_steps: Time steps per decision; None takes the policy's own.
        epsilon: Share of random actions.
        max_episode_steps: Step limit; None for the environment's own.
        env_id: Another environment than the policy's.
        seed: Seed of everything random.
    """

    disturbances: Sequence[str] | None = None
    episodes: int = 3
    seeds: int = 10
    bar_every: int = 1
    n_steps: int | None = None
    epsilon: float = 0.0
    max_episode_steps: int | None = None
    env_id: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        check_n_steps(self.episodes, "episodes")
        check_n_steps(self.seeds, "seeds")
        check_epsilon(self.epsilon)
        check_seed(self.seed)


def measure_robustness(
    model: SpikingModel,
    options: RobustnessOptions | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> RobustnessReport:
    """Let a spiking policy and its source network play under disturbances.

    Both play the same episodes: same seeds, same noise, same random actions, same lost neurons.

    Args:
        model: The policy, with its source.
        options: What is measured.
        progress: Called with the number of finished conditions and of all of them.

    Raises:
        OptionError: The policy has no source or no environment, a disturbance is unknown or
            does not fit, or a number is out of range.
        UnknownEnvironmentError: There is no such environment.
        EnvironmentMismatchError: It does not fit the policy.
        MissingExtraError: It needs a package that is not installed.
    """
    options = options or RobustnessOptions()
    if model.source is None:
        raise OptionError(
            "the policy carries no source network to compare it with: convert it again from one"
        )
    chosen = disturbances_for(model.source, options.disturbances, bar_every=options.bar_every)
    bench = _Bench(model=model, source=model.source, options=options)
    wanted = [(one, level) for one in chosen for level in one.levels]
    done = 0

    def tell() -> None:
        if progress is not None:
            progress(done, len(wanted) + 1)

    tell()
    undisturbed = bench.play(None, float("nan"))
    conditions = []
    for one, level in wanted:
        done += 1
        tell()
        conditions.append(bench.play(one, level))
    done += 1
    tell()
    return RobustnessReport(
        undisturbed=undisturbed,
        conditions=tuple(conditions),
        level_names={one.name: one.level for one in chosen},
        settings={
            **asdict(options),
            "disturbances": [one.name for one in chosen],
            "n_steps": model.n_steps if options.n_steps is None else options.n_steps,
            "env_id": bench.env_id,
        },
    )


@dataclass(kw_only=True)
class _Bench:
    """Where both agents are put under a disturbance."""

    model: SpikingModel
    source: AnnModel
    options: RobustnessOptions
    env_id: str = field(init=False)

    def __post_init__(self) -> None:
        found = self.options.env_id or self.model.env_id
        if found is None:
            raise OptionError("the policy names no environment: pass the id of one")
        self.env_id = found
        env = self._environment(None, float("nan"))
        check_fits(env, self.model)
        space = env.observation_space
        env.close()
        assert isinstance(space, spaces.Box)
        self._limits = float(space.low.min()), float(space.high.max())
        image = len(self.source.input_shape) == 3
        self._spread = np.array(self._limits[1] - self._limits[0]) if image else self._deviations()

    def play(self, disturbance: Disturbance | None, level: float) -> Condition:
        """Both agents at one level, over all seeds."""
        returns: dict[str, list[NDArray[np.float64]]] = {"ann": [], "spiking": []}
        for index in range(self.options.seeds):
            key = int(np.random.SeedSequence((self.options.seed, index)).generate_state(1)[0])
            # The policy is not compared with its source decision by decision.
            spiking = self.model.replace(source=None)
            source = self.source
            if disturbance is not None and disturbance.change is not None:
                spiking = disturbance.change(spiking, level, key)
                source = disturbance.change(source, level, key)
            agents: dict[str, Any] = {
                "ann": AnnAgent(source),
                "spiking": SpikingAgent(spiking, n_steps=self.options.n_steps, seed=key),
            }
            for name, agent in agents.items():
                report = evaluate(
                    agent,
                    partial(self._environment, disturbance, level),
                    episodes=self.options.episodes,
                    seed=key,
                    epsilon=self.options.epsilon,
                )
                returns[name].append(report.returns)
        return Condition(
            disturbance="none" if disturbance is None else disturbance.name,
            level=level,
            ann=np.stack(returns["ann"]),
            spiking=np.stack(returns["spiking"]),
            shared=disturbance is not None and disturbance.change is not None,
        )

    def _environment(self, disturbance: Disturbance | None, level: float) -> Environment:
        env = make_environment(
            self.env_id,
            preprocessing=self.model.preprocessing,
            max_episode_steps=self.options.max_episode_steps,
            import_modules=self.options.env_id is not None,
        )
        if disturbance is None or disturbance.wrap is None:
            return env
        return disturbance.wrap(env, level, spread=self._spread, limits=self._limits)

    def _deviations(self) -> NDArray[np.float64]:
        """Standard deviation of every entry of a vector, over what the source visits."""
        env = self._environment(None, float("nan"))
        agent = AnnAgent(self.source)
        seen = []
        observation, _ = env.reset(seed=self.options.seed % 2**31)
        for _ in range(SPREAD_DECISIONS):
            seen.append(np.asarray(observation, np.float64))
            action, _ = agent.predict(observation)
            observation, _, terminated, truncated, _ = env.step(int(action))
            if terminated or truncated:
                observation, _ = env.reset()
        env.close()
        deviations: NDArray[np.float64] = np.stack(seen).std(axis=0)
        return deviations
