"""What the decisions of a spiking policy cost in its source network's own estimate."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.agents import Record, Simulator, in_float64
from dsqn_fast.episodes import STEP_BITS
from dsqn_fast.model.ann import AnnModel
from dsqn_fast.results import SimulationResult


class RegretMeter:
    """A simulator that also sums Q(best) - Q(chosen) over the decisions of every episode.

    Args:
        simulator: What computes the decisions.
        source: The source network, whose outputs are the Q-values.
        episodes: Number of episodes.

    Attributes:
        regrets: (episodes,) sums of Q(best) - Q(chosen).
        scales: (episodes,) sums of Q(best) - Q(worst).
    """

    def __init__(self, simulator: Simulator, source: AnnModel, episodes: int) -> None:
        self._simulator = simulator
        self._source = in_float64(source)
        self.regrets = np.zeros(episodes)
        self.scales = np.zeros(episodes)
        self._next = np.zeros(episodes, np.uint64)

    def __call__(
        self,
        observations: NDArray[Any],
        *,
        n_steps: int,
        seed: int,
        decisions: int | NDArray[np.uint64],
        record: Record,
    ) -> SimulationResult:
        """Simulate a batch of decisions, at most one of each episode, and add them up."""
        result = self._simulator(
            observations, n_steps=n_steps, seed=seed, decisions=decisions, record=record
        )
        keys = np.asarray(decisions, np.uint64)
        if keys.shape == (len(result.actions),):
            self._add(observations, result.actions, keys)
        return result

    def _add(
        self, observations: NDArray[Any], actions: NDArray[np.int64], keys: NDArray[np.uint64]
    ) -> None:
        episode, step = keys >> np.uint64(STEP_BITS), keys & np.uint64(2**STEP_BITS - 1)
        # Decisions that are simulated again, to count operations on, were added before.
        new = step == self._next[episode]
        episode = episode[new]
        q = self._source.forward(observations[new].astype(np.float64))
        best = q.max(axis=1)
        self.regrets[episode] += best - q[np.arange(len(q)), actions[new]]
        self.scales[episode] += best - q.min(axis=1)
        self._next[episode] += np.uint64(1)
