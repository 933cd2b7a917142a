"""Which states are learned from in imitation."""

from __future__ import annotations

from dataclasses import dataclass

from dsqn_fast.errors import OptionError
from dsqn_fast.model.options import check_n_steps


@dataclass(frozen=True, kw_only=True)
class StateOptions:
    """Which states a pupil learns from.

    Attributes:
        observations: States that the teacher visits.
        epsilon: Share of random actions while states are visited.
        rounds: Rounds of DAgger (Ross 2011) after that: the pupil plays, the teacher says what
            it would have done, and the pupil learns from all states so far.
        round_observations: States of each such round.
    """

    observations: int = 20_000
    epsilon: float = 0.1
    rounds: int = 2
    round_observations: int = 10_000

    def __post_init__(self) -> None:
        check_n_steps(self.observations, "observations")
        check_n_steps(self.round_observations, "round_observations")
        if isinstance(self.rounds, bool) or not 0 <= self.rounds <= 100:
            raise OptionError(f"rounds must be from 0 to 100, not {self.rounds!r}")
        if not 0.0 <= self.epsilon <= 1.0:
            raise OptionError(f"epsilon must be from 0 to 1, not {self.epsilon!r}")
