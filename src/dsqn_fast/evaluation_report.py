"""The report of an evaluation: returns with their spread, agreement, and cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.conversion.energy import EnergyReport
from dsqn_fast.statistics import (
    Interval,
    binomial_interval,
    bootstrap_interval,
    mean,
    standard_deviation,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class EvaluationReport:
    """What an agent reached and what it cost.

    Attributes:
        returns: (episodes,) float64, undiscounted return of each episode.
        lengths: (episodes,) int64, decisions of each episode.
        equal_actions: (episodes,) int64, decisions of each episode in which the agent took the
            action of its source network; None without a source.
        seed: Seed of the episodes.
        env_id: Environment that was played.
        n_envs: Environments played side by side; no result depends on it.
        decision_seconds: Time spent in the agent's decisions alone.
        spikes_per_decision: Mean spikes of all neurons; None if the agent does not spike.
        input_spikes_per_decision: Mean spikes of the encoding; None likewise.
        synaptic_operations_per_decision: Mean of spikes times fan-out; None likewise.
        steps_used: Mean time steps simulated per decision; None likewise.
        steps_95: 95 % of the decisions take at most so many; None likewise.
        energy: Operations and estimated energy per decision, beside the source network's (whose
            zeros are counted on a sample of the visited states); None likewise, or without a
            source.
    """

    returns: NDArray[np.float64]
    lengths: NDArray[np.int64]
    equal_actions: NDArray[np.int64] | None
    seed: int
    env_id: str
    n_envs: int
    decision_seconds: float
    spikes_per_decision: float | None
    input_spikes_per_decision: float | None
    synaptic_operations_per_decision: float | None
    steps_used: float | None
    steps_95: int | None = None
    energy: EnergyReport | None = None

    @property
    def episodes(self) -> int:
        """Number of episodes."""
        return len(self.returns)

    @property
    def decisions(self) -> int:
        """Number of decisions in all episodes."""
        return int(self.lengths.sum())

    @property
    def mean(self) -> float:
        """Mean return over episodes."""
        return mean(self.returns)

    @property
    def std(self) -> float:
        """Standard deviation of the return over episodes (divisor n)."""
        return standard_deviation(self.returns)

    @cached_property
    def confidence_interval(self) -> Interval:
        """95 % bootstrap interval of the mean return; NaN for a single episode."""
        return bootstrap_interval(self.returns, seed=self.seed)

    @property
    def agreement(self) -> float | None:
        """Share of decisions with the source's action, on the states that the agent visited."""
        if self.equal_actions is None:
            return None
        return int(self.equal_actions.sum()) / self.decisions

    @cached_property
    def agreement_interval(self) -> Interval | None:
        """95 % Wilson interval of the agreement, decisions taken as independent.

        Decisions of one episode resemble each other, so that the true interval is wider.
        """
        if self.equal_actions is None:
            return None
        return binomial_interval(int(self.equal_actions.sum()), self.decisions)

    @property
    def decisions_per_second(self) -> float:
        """Decisions per second of the agent's own time, without the environment's."""
        return self.decisions / max(self.decision_seconds, 1e-9)

    def to_dict(self) -> dict[str, Any]:
        """The results as JSON values: NaN becomes None."""
        low, high = (None if np.isnan(end) else end for end in self.confidence_interval)
        agreement = self.agreement_interval or (None, None)
        return {
            "mean_return": self.mean,
            "std_return": self.std,
            "ci_low": low,
            "ci_high": high,
            "agreement": self.agreement,
            "agreement_low": agreement[0],
            "agreement_high": agreement[1],
            "episodes": self.episodes,
            "decisions": self.decisions,
            "decisions_per_second": self.decisions_per_second,
            "spikes_per_decision": self.spikes_per_decision,
            "input_spikes_per_decision": self.input_spikes_per_decision,
            "synaptic_operations_per_decision": self.synaptic_operations_per_decision,
            "steps_used": self.steps_used,
            "steps_95": self.steps_95,
            "energy": None if self.energy is None else self.energy.to_dict(),
            "env_id": self.env_id,
            "seed": self.seed,
            "n_envs": self.n_envs,
            "returns": self.returns.tolist(),
            "lengths": self.lengths.tolist(),
        }
