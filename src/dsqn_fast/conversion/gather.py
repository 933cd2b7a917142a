"""Observations for calibration, visited by a policy that plays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.conversion.option_groups import CalibrationOptions
from dsqn_fast.conversion.simulate import simulator
from dsqn_fast.environments import Environment, check_fits, make_environment
from dsqn_fast.errors import OptionError
from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.observations import turn_images
from dsqn_fast.model.spiking import SpikingModel

Policy = Callable[[NDArray[Any]], NDArray[np.int64]]
GATHERING_KEY = 1
"""Names the stream of seeds that observations are gathered with."""
N_ENVIRONMENTS = 20
"""Environments that play side by side, so that networks decide in batches."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Played:
    """What a policy saw and earned.

    Attributes:
        observations: (B, *shape), in the order of episodes and their steps.
        actions: (B,) action taken on each.
        episode: (B,) number of the episode that each observation is from.
        returns: (episodes,) undiscounted return of every finished episode.
    """

    observations: NDArray[Any]
    actions: NDArray[np.int64]
    episode: NDArray[np.int64]
    returns: NDArray[np.float64]


@dataclass
class _Seat:
    """One environment and the episode that it is in."""

    env: Environment
    episode: int
    observation: Any
    total: float = 0.0
    seen: list[tuple[Any, int]] = field(default_factory=list)


def play(
    policy: Policy,
    network: AnnModel | SpikingModel,
    env_id: str,
    *,
    episodes: int | None = None,
    max_observations: int | None = None,
    epsilon: float = 0.0,
    seed: int = 0,
    max_episode_steps: int | None = None,
    import_modules: bool = False,
) -> Played:
    """Let a policy play until it has finished ``episodes`` or seen ``max_observations``.

    Args:
        policy: Actions (B,) of observations (B, *shape).
        network: Network whose shapes and preprocessing the environment must fit.
        env_id: Gymnasium environment.
        episodes: Episodes to finish; None for as many as ``max_observations`` needs.
        max_observations: Stop as soon as so many were seen; None for no limit.
        epsilon: Share of random actions.
        seed: Seed of environments and random actions.
        max_episode_steps: Another step limit than the environment's own.
        import_modules: Whether the user typed the environment, as in `make_environment`.

    Raises:
        OptionError: Neither ``episodes`` nor ``max_observations`` is given.
        UnknownEnvironmentError: No such environment.
        EnvironmentMismatchError: The environment does not fit the network.
    """
    if episodes is None and max_observations is None:
        raise OptionError("playing needs a number of episodes or of observations")
    count = N_ENVIRONMENTS if episodes is None else min(N_ENVIRONMENTS, episodes)
    envs: list[Environment] = []
    try:
        for _ in range(count):
            env = make_environment(
                env_id,
                preprocessing=network.preprocessing,
                max_episode_steps=max_episode_steps,
                import_modules=import_modules,
            )
            envs.append(env)
        check_fits(envs[0], network)
        return _play(policy, network, envs, episodes, max_observations, epsilon, seed)
    finally:
        for env in envs:
            env.close()


def _play(
    policy: Policy,
    network: AnnModel | SpikingModel,
    envs: list[Environment],
    episodes: int | None,
    limit: int | None,
    epsilon: float,
    seed: int,
) -> Played:
    rng = np.random.default_rng(seed)
    returns: dict[int, float] = {}
    finished: list[tuple[int, list[tuple[Any, int]]]] = []
    seats = [_Seat(env, i, _reset(env, seed, i)) for i, env in enumerate(envs)]
    next_episode, seen = len(seats), 0
    playing = list(seats)
    while playing and (limit is None or seen < limit):
        observations = turn_images(
            network, np.stack([np.asarray(seat.observation) for seat in playing])
        )
        actions = policy(observations)
        noise = rng.random(len(playing)) < epsilon
        random = rng.integers(network.n_outputs, size=len(playing))
        actions = np.where(noise, random, actions)
        seen += len(playing)
        for seat, action, observation in zip(list(playing), actions, observations, strict=True):
            seat.seen.append((observation, int(action)))
            seat.observation, reward, terminated, truncated, _ = seat.env.step(int(action))
            seat.total += float(reward)
            if not (terminated or truncated):
                continue
            returns[seat.episode] = seat.total
            finished.append((seat.episode, seat.seen))
            if episodes is not None and next_episode >= episodes:
                playing.remove(seat)
                continue
            seat.episode, seat.total, seat.seen = next_episode, 0.0, []
            seat.observation = _reset(seat.env, seed, next_episode)
            next_episode += 1
    unfinished = [(seat.episode, seat.seen) for seat in playing if seat.seen]
    ordered = sorted([*finished, *unfinished], key=lambda item: item[0])
    return Played(
        observations=np.stack([one for _, group in ordered for one, _ in group])[:limit],
        actions=np.array([one for _, group in ordered for _, one in group], np.int64)[:limit],
        episode=np.array([number for number, group in ordered for _ in group], np.int64)[:limit],
        returns=np.array([returns[number] for number in sorted(returns)], np.float64),
    )


def gathering_seed(seed: int, episode: int) -> int:
    """Seed that the environment is reset with here, below 2**31.

    It is from a stream of its own: a policy is evaluated with `episode_seed` on episodes that
    it was not calibrated on, whatever the seeds of both.
    """
    words = np.random.SeedSequence((seed, episode), spawn_key=(GATHERING_KEY,))
    return int(words.generate_state(1)[0] >> 1)


def _reset(env: Environment, seed: int, episode: int) -> Any:
    return env.reset(seed=gathering_seed(seed, episode))[0]


def greedy(ann: AnnModel) -> Policy:
    """The policy that takes the first of a network's largest outputs."""
    return lambda observations: ann.forward(observations).argmax(axis=1)


def spiking(model: SpikingModel, *, seed: int = 0) -> Policy:
    """The policy of a spiking model; every decision of a Poisson encoding has noise of its own."""
    run = simulator(model)
    made = 0

    def decide(observations: NDArray[Any]) -> NDArray[np.int64]:
        nonlocal made
        first, made = made, made + len(observations)
        return run(observations, seed=seed, decisions=first).actions

    return decide


def gather_observations(
    ann: AnnModel,
    env_id: str,
    *,
    options: CalibrationOptions,
    seed: int = 0,
    import_modules: bool = False,
) -> Played:
    """Let a source network play, with some random actions, and keep what it saw.

    Args:
        ann: The source network.
        env_id: Gymnasium environment.
        options: Number of observations and episodes, epsilon, step limit.
        seed: Seed of environments and random actions.
        import_modules: Whether the user typed the environment, as in `make_environment`.

    Raises:
        UnknownEnvironmentError: No such environment.
        EnvironmentMismatchError: The environment does not fit the network.
    """
    return play(
        greedy(ann),
        ann,
        env_id,
        episodes=options.episodes,
        max_observations=options.max_observations,
        epsilon=options.epsilon,
        seed=seed,
        max_episode_steps=options.max_episode_steps,
        import_modules=import_modules,
    )
