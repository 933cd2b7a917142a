"""Episodes played side by side, so that an agent is asked for many actions at once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import gymnasium
import numpy as np
from numpy.typing import NDArray

from dsqn_fast.agents import Agent, SpikingAgent, State
from dsqn_fast.results import SimulationResult

STEP_BITS: Final = 32
"""A decision's index is its episode shifted by this many bits, plus its step."""

SAMPLE_EVERY: Final = 50
"""Steps of an episode between two observations that are kept to count operations on."""
SAMPLE_EPISODES: Final = 20
"""Episodes whose observations are kept."""

Environment = gymnasium.Env[Any, Any]


def episode_seed(seed: int, episode: int) -> int:
    """Seed that the environment is reset with at the start of an episode, below 2**31."""
    return int(np.random.SeedSequence((seed, episode)).generate_state(1)[0] >> 1)


@dataclass(kw_only=True)
class Tally:
    """What a set of episodes came to; sums over all their decisions where nothing else is said.

    Attributes:
        returns: (episodes,) float64, undiscounted sum of rewards of each episode.
        lengths: (episodes,) int64, decisions of each episode.
        equal_actions: (episodes,) int64, decisions with the source network's action.
        decision_seconds: Time spent in the agent's decisions alone.
        spikes: Spikes of all neurons.
        input_spikes: Spikes of the encoding.
        synaptic_operations: Spikes times fan-out.
        steps_used: How many decisions took each number of time steps.
        sample: (decision, observation) of some decisions: every `SAMPLE_EVERY`th of the first
            episodes, in no particular order.
        episodes_done: Finished episodes.
        return_so_far: Sum of the returns of the finished ones.
    """

    returns: NDArray[np.float64]
    lengths: NDArray[np.int64]
    equal_actions: NDArray[np.int64]
    decision_seconds: float = 0.0
    spikes: int = 0
    input_spikes: int = 0
    synaptic_operations: int = 0
    steps_used: Counter[int] = field(default_factory=Counter)
    sample: list[tuple[int, Any]] = field(default_factory=list)
    episodes_done: int = 0
    return_so_far: float = 0.0

    @property
    def decisions(self) -> int:
        """Decisions made so far."""
        return int(self.lengths.sum())

    def add_simulation(self, result: SimulationResult) -> None:
        """Take in what a batch of spiking decisions cost."""
        self.spikes += int(result.total_spikes.sum())
        self.input_spikes += int(result.input_spikes.sum())
        self.synaptic_operations += int(result.synaptic_operations.sum())
        self.steps_used.update(result.steps_used.tolist())

    def keep(self, decisions: NDArray[np.uint64], observations: NDArray[Any]) -> None:
        """Keep those observations of a batch that belong to the sample."""
        step = decisions & np.uint64(2**STEP_BITS - 1)
        chosen = (step % SAMPLE_EVERY == 0) & (decisions >> np.uint64(STEP_BITS) < SAMPLE_EPISODES)
        for row in np.flatnonzero(chosen):
            self.sample.append((int(decisions[row]), observations[row].copy()))


@dataclass(kw_only=True)
class _Table:
    """Environments that play: which episode each is in, and what it shows."""

    envs: Sequence[Environment]
    seed: int
    episodes: int
    next_episode: int = 0
    playing: list[int] = field(default_factory=list)
    starts: NDArray[np.bool_] = field(init=False)
    episode: NDArray[np.int64] = field(init=False)
    step: NDArray[np.int64] = field(init=False)
    observations: NDArray[Any] = field(init=False)

    def __post_init__(self) -> None:
        count = len(self.envs)
        self.starts = np.ones(count, bool)
        self.episode, self.step = np.zeros(count, np.int64), np.zeros(count, np.int64)
        first = [np.asarray(self.begin(slot)) for slot in range(count)]
        # Old environments start with a list of integers and go on with real numbers.
        kinds = [getattr(env.observation_space, "dtype", None) for env in self.envs[:1]]
        dtype = np.result_type(*first, *(kind for kind in kinds if kind is not None))
        self.observations = np.stack(first).astype(dtype, copy=False)
        self.playing = list(range(count))

    def begin(self, slot: int) -> Any:
        """First observation of the next episode, played in environment ``slot``."""
        episode = self.next_episode
        self.next_episode += 1
        self.episode[slot], self.step[slot], self.starts[slot] = episode, 0, True
        observation, _ = self.envs[slot].reset(seed=episode_seed(self.seed, episode))
        return observation

    def end(self, slot: int) -> None:
        """Let the next episode begin in ``slot``, or leave it empty after the last one."""
        if self.next_episode < self.episodes:
            self.observations[slot] = self.begin(slot)
        else:
            self.playing.remove(slot)

    def decisions(self) -> NDArray[np.uint64]:
        """Index of the decision that each playing environment waits for."""
        episode, step = self.episode[self.playing], self.step[self.playing]
        return (episode.astype(np.uint64) << np.uint64(STEP_BITS)) | step.astype(np.uint64)


class _Player:
    """Asks an agent of any kind for the actions of the environments that play."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.state: State = None

    def decide(self, table: _Table, tally: Tally) -> NDArray[Any]:
        """Actions of the playing environments, in their order."""
        observations = table.observations[table.playing]
        if isinstance(self.agent, SpikingAgent):
            keys = table.decisions()
            begin = time.perf_counter()
            result = self.agent.simulate(observations, decisions=keys)
            tally.decision_seconds += time.perf_counter() - begin
            tally.add_simulation(result)
            tally.keep(keys, observations)
            return result.actions
        # A recurrent agent's state has a row per environment: it is asked for all of them.
        rows = table.playing if self.state is None else list(range(len(table.envs)))
        begin = time.perf_counter()
        actions, self.state = self.agent.predict(
            table.observations[rows],
            state=self.state,
            episode_start=table.starts[rows],
            deterministic=True,
        )
        tally.decision_seconds += time.perf_counter() - begin
        return actions if len(rows) == len(table.playing) else actions[table.playing]


def play_episodes(
    agent: Agent,
    envs: Sequence[Environment],
    *,
    episodes: int,
    seed: int,
    source: Agent | None = None,
    watch: Callable[[Tally], None] | None = None,
) -> Tally:
    """Play episodes in several environments at once.

    Episode e starts from `episode_seed` (seed, e) and its decisions have the indices
    e * 2**32 + step, whichever environment it is played in and beside whichever others.

    Args:
        agent: Who plays; a SpikingAgent also has its spikes counted.
        envs: Environments that are equal to each other, at most ``episodes``.
        episodes: Number of episodes.
        seed: Seed of the episodes.
        source: Whose actions on the same observations are compared; not timed.
        watch: Called after every step with what was counted so far.
    """
    tally = Tally(
        returns=np.zeros(episodes),
        lengths=np.zeros(episodes, np.int64),
        equal_actions=np.zeros(episodes, np.int64),
    )
    table = _Table(envs=envs, seed=seed, episodes=episodes)
    player = _Player(agent)
    while table.playing:
        actions = player.decide(table, tally)
        if source is not None:
            wanted, _ = source.predict(table.observations[table.playing], deterministic=True)
            tally.equal_actions[table.episode[table.playing]] += actions == wanted
        tally.lengths[table.episode[table.playing]] += 1
        _act(table, tally, actions)
        if watch is not None:
            watch(tally)
    return tally


def _act(table: _Table, tally: Tally, actions: NDArray[Any]) -> None:
    """Do one action in every playing environment."""
    # Environments take a Python integer faster than a NumPy one, and arrays as they are.
    chosen = actions.tolist() if actions.ndim == 1 else list(actions)
    table.starts[:] = False
    table.step += 1
    for slot, action in zip(tuple(table.playing), chosen, strict=True):
        observation, reward, terminated, truncated, _ = table.envs[slot].step(action)
        episode = table.episode[slot]
        tally.returns[episode] += float(reward)
        if terminated or truncated:
            tally.episodes_done += 1
            tally.return_so_far += float(tally.returns[episode])
            table.end(slot)
        else:
            table.observations[slot] = observation
