"""Let an agent play whole episodes and report how well it does and what it costs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from dsqn_fast.agents import Agent, AnnAgent, SpikingAgent, as_batch, source_agent
from dsqn_fast.conversion.energy import Activity, EnergyReport, count_ann, count_snn
from dsqn_fast.environments import Environment, check_fits, env_name, make_environment
from dsqn_fast.episodes import Tally, play_episodes
from dsqn_fast.errors import OptionError
from dsqn_fast.evaluation_report import EvaluationReport
from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.options import check_n_steps
from dsqn_fast.old_gym import adapt_environment
from dsqn_fast.random_actions import RandomActions, check_epsilon
from dsqn_fast.run_options import check_seed

SIDE_BY_SIDE: Final = 16
"""Environments played at once where nothing else is asked for."""
PROGRESS_SECONDS: Final = 0.1
"""Time between two reports of progress within an episode."""

MakeEnvironment = Callable[[], Environment]


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far an evaluation is.

    Attributes:
        episodes_done: Finished episodes.
        episodes: Episodes wanted.
        decisions: Decisions made so far.
        mean_return: Mean return of the finished episodes; None before the first.
        decisions_per_second: Decisions per second of the agent's own time so far.
    """

    episodes_done: int
    episodes: int
    decisions: int
    mean_return: float | None
    decisions_per_second: float


def evaluate(
    agent: Agent,
    env: str | MakeEnvironment | Environment | object | None = None,
    *,
    episodes: int = 100,
    seed: int = 0,
    n_envs: int | None = None,
    source: AnnModel | Agent | None = None,
    max_episode_steps: int | None = None,
    epsilon: float = 0.0,
    progress: Callable[[Progress], None] | None = None,
) -> EvaluationReport:
    """Let an agent play whole episodes.

    The same seed gives the same results for every ``n_envs`` and number of threads, provided
    that the environment's ``reset(seed=...)`` determines the episode.

    Args:
        agent: Anything with Stable-Baselines3's `predict`.
        env: Environment id, a function that makes the environment, or an environment, also one
            with the API of `gym`; None takes the agent's own id. The agent's preprocessing is
            applied to an environment made by id, and to no other.
        episodes: Number of episodes, at least 1.
        seed: Seed of the episodes.
        n_envs: Environments played side by side, so that the agent decides in batches; 1 for
            an environment that was passed ready-made.
        source: Network or agent whose actions are compared; None takes the agent's own source.
        max_episode_steps: Step limit for an environment made by id.
        epsilon: Share of actions that are replaced by random ones, as is usual for Atari; the
            agreement still compares what the agent chose.
        progress: Called as episodes end and every tenth of a second.

    Raises:
        OptionError: An argument is out of range.
        UnknownEnvironmentError: No environment has that id.
        MissingExtraError: The environment needs a package that is not installed.
        EnvironmentMismatchError: The environment does not fit the agent.
        ObservationError: The environment shows NaN or infinity.
    """
    check_n_steps(episodes, "episodes")
    check_seed(seed)
    check_epsilon(epsilon)
    envs, made_here = _environments(agent, env, episodes, n_envs, max_episode_steps)
    if epsilon:
        envs = [RandomActions(environment, epsilon) for environment in envs]
    try:
        network = _network(agent)
        if network is not None:
            check_fits(envs[0], network)
        judge = source_agent(source if source is not None else getattr(agent, "source", None))
        watch = None if progress is None else _reporter(progress, episodes)
        tally = play_episodes(agent, envs, episodes=episodes, seed=seed, source=judge, watch=watch)
        return _report(agent, tally, envs, seed, judge is not None)
    finally:
        if made_here:
            for environment in envs:
                environment.close()


def _environments(
    agent: Agent, env: Any, episodes: int, n_envs: int | None, max_episode_steps: int | None
) -> tuple[list[Environment], bool]:
    """The environments to play in, and whether they are closed afterwards."""
    count = SIDE_BY_SIDE if n_envs is None else check_n_steps(n_envs, "n_envs")
    wanted = getattr(agent, "env_id", None) if env is None else env
    if wanted is None:
        raise OptionError(
            "the policy names no environment: give `--env ID` (in Python pass its id)"
        )
    ready_made = not isinstance(wanted, str | type) and hasattr(wanted, "step")
    if not isinstance(wanted, str) and max_episode_steps is not None:
        raise OptionError("max_episode_steps needs an environment id: set it where you make yours")
    if ready_made:
        if n_envs not in (None, 1):
            raise OptionError(
                f"n_envs must be 1 for a ready-made environment, not {n_envs}: pass an id or a "
                "function that makes it"
            )
        return [adapt_environment(wanted)], False
    made: list[Environment] = []
    try:
        for _ in range(min(count, episodes)):
            made.append(_make(agent, wanted, max_episode_steps, trusted=env is not None))
    except BaseException:
        for environment in made:
            environment.close()
        raise
    return made, True


def _make(
    agent: Agent, wanted: Any, max_episode_steps: int | None, *, trusted: bool
) -> Environment:
    if isinstance(wanted, str):
        return make_environment(
            wanted,
            preprocessing=getattr(agent, "preprocessing", None),
            max_episode_steps=max_episode_steps,
            import_modules=trusted,
        )
    if not callable(wanted):
        raise OptionError(
            "env must be an environment id, an environment or a function that makes one, not "
            f"{type(wanted).__name__}"
        )
    return adapt_environment(wanted())


def _network(agent: Agent) -> Any:
    """The network whose shape the environment must fit, where it is known."""
    if isinstance(agent, SpikingAgent):
        return agent.model
    return agent.ann if isinstance(agent, AnnAgent) else None


def _reporter(progress: Callable[[Progress], None], episodes: int) -> Callable[[Tally], None]:
    """A watcher of the tally that reports ended episodes at once and steps now and then."""
    last_done, last_time = -1, 0.0

    def watch(tally: Tally) -> None:
        nonlocal last_done, last_time
        now = time.monotonic()
        if tally.episodes_done == last_done and now - last_time < PROGRESS_SECONDS:
            return
        last_done, last_time = tally.episodes_done, now
        done = tally.episodes_done
        progress(
            Progress(
                episodes_done=done,
                episodes=episodes,
                decisions=tally.decisions,
                mean_return=tally.return_so_far / done if done else None,
                decisions_per_second=tally.decisions / max(tally.decision_seconds, 1e-9),
            )
        )

    return watch


def _report(
    agent: Agent, tally: Tally, envs: list[Environment], seed: int, compared: bool
) -> EvaluationReport:
    spiking = isinstance(agent, SpikingAgent)

    def per_decision(total: int) -> float | None:
        return total / tally.decisions if spiking else None

    return EvaluationReport(
        returns=tally.returns,
        lengths=tally.lengths,
        equal_actions=tally.equal_actions if compared else None,
        seed=seed,
        env_id=env_name(envs[0]),
        n_envs=len(envs),
        decision_seconds=tally.decision_seconds,
        spikes_per_decision=per_decision(tally.spikes),
        input_spikes_per_decision=per_decision(tally.input_spikes),
        synaptic_operations_per_decision=per_decision(tally.synaptic_operations),
        steps_used=per_decision(sum(k * n for k, n in tally.steps_used.items())),
        steps_95=_quantile(tally.steps_used, 0.95) if spiking else None,
        energy=_energy(agent, tally) if isinstance(agent, SpikingAgent) else None,
    )


def _quantile(counts: Counter[int], share: float) -> int | None:
    """Smallest value that at least ``share`` of the counted values do not exceed."""
    values = sorted(counts)
    reached = np.cumsum([counts[value] for value in values])
    if not values:
        return None
    return values[int(np.searchsorted(reached, share * reached[-1]))]


def _energy(agent: SpikingAgent, tally: Tally) -> EnergyReport | None:
    """Operations beside those of the source network.

    Spikes, their accumulates and steps are those of all decisions; what observations and the
    source's activations are zero is looked at on a sample of the visited states.
    """
    if agent.source is None or not tally.sample:
        return None
    ordered = sorted(tally.sample, key=lambda pair: pair[0])
    observations, _ = as_batch(agent.model, np.stack([seen for _, seen in ordered]))
    activity = Activity(
        spikes=tally.spikes / tally.decisions,
        synaptic_operations=tally.synaptic_operations / tally.decisions,
        steps=sum(k * n for k, n in tally.steps_used.items()) / tally.decisions,
    )
    return EnergyReport(
        ann=count_ann(agent.source, observations),
        snn=count_snn(agent.model, observations, activity),
    )


__all__ = ["EvaluationReport", "Progress", "evaluate"]
