"""Options of calibration, search and `auto`, in groups."""

from __future__ import annotations

from dataclasses import dataclass

from dsqn_fast.conversion.options import (
    check_burst_limit,
    check_count,
    check_number,
    check_share,
    check_switch,
)
from dsqn_fast.errors import OptionError
from dsqn_fast.model.checks import shown
from dsqn_fast.model.options import check_n_steps


@dataclass(frozen=True, kw_only=True)
class CalibrationOptions:
    """Which observations conversion looks at.

    Attributes:
        max_observations: At most so many are used; a seeded sample of a larger set
            (``thesis-robust`` and ``thesis-model``: the first ones, as the thesis does).
        max_simulated: At most so many are simulated to calibrate potentials or biases.
        epsilon: Share of random actions while the source network gathers observations.
        episodes: Most episodes to gather; None plays until there are enough observations.
        max_episode_steps: Another step limit than the environment's own while gathering.
    """

    max_observations: int = 20_000
    max_simulated: int = 1_000
    epsilon: float = 0.05
    episodes: int | None = None
    max_episode_steps: int | None = None

    def __post_init__(self) -> None:
        check_count("max_observations", self.max_observations)
        check_count("max_simulated", self.max_simulated)
        check_number("epsilon", self.epsilon)
        if not 0.0 <= self.epsilon <= 1.0:
            raise OptionError(f"epsilon must be from 0 to 1, not {self.epsilon!r}")
        if self.episodes is not None:
            check_count("episodes", self.episodes)
        if self.max_episode_steps is not None:
            check_n_steps(self.max_episode_steps, "max_episode_steps")


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """How long and on what `search` looks for scales.

    Attributes:
        trials: Sets of scales that are tried.
        max_observations: Calibration observations on which actions are compared.
        lowest: Smallest factor on the scale of ``channel``.
        highest: Largest factor.
    """

    trials: int = 40
    max_observations: int = 1_000
    lowest: float = 0.3
    highest: float = 1.5

    def __post_init__(self) -> None:
        check_count("trials", self.trials)
        check_count("max_observations", self.max_observations)
        for name in ("lowest", "highest"):
            check_number(name, getattr(self, name))
        if not 0.0 < self.lowest < self.highest:
            raise OptionError(
                f"search needs 0 < lowest < highest, not {self.lowest!r} and {self.highest!r}"
            )


@dataclass(frozen=True, kw_only=True)
class AutoOptions:
    """What `auto` aims at and how far it goes.

    Attributes:
        agreement: Wanted share of decisions that equal the source network's.
        wanted_return: Wanted mean return; taken where the 95 % lower bound of the mean over
            ``episodes`` reaches it although the agreement is out of reach. Needs an
            environment.
        max_steps: Largest number of time steps.
        max_observations: Selection states, on which candidates are compared, and as many test
            states, apart from them, for the figures of the report.
        screening: States on which weak candidates are sorted out first.
        finalists: Candidates that are left after that.
        allow_bursts: Try burst spikes where binary spikes do not reach the agreement.
        burst_limits: Burst limits to try, in this order.
        episodes: Episodes that check a policy in its environment, 0 for none.
    """

    agreement: float = 0.99
    wanted_return: float | None = None
    max_steps: int = 128
    max_observations: int = 3_000
    screening: int = 500
    finalists: int = 3
    allow_bursts: bool = True
    burst_limits: tuple[int, ...] = (5,)
    episodes: int = 20

    def __post_init__(self) -> None:
        check_share("agreement", self.agreement)
        check_n_steps(self.max_steps, "max_steps")
        for name in ("max_observations", "screening", "finalists"):
            check_count(name, getattr(self, name))
        check_count("episodes", self.episodes, 0)
        if self.wanted_return is not None:
            check_number("wanted_return", self.wanted_return)
        check_switch("allow_bursts", self.allow_bursts)
        if not isinstance(self.burst_limits, tuple | list):
            raise OptionError(
                f"burst_limits must be a tuple of integers, not {shown(self.burst_limits)}"
            )
        for limit in self.burst_limits:
            check_burst_limit("burst_limits", limit)
