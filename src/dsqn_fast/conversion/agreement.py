"""How far a spiking policy's decisions are from those of the network it came from."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.statistics import binomial_interval


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Decisions compared on some states.

    Attributes:
        agreement: Share of states with the source network's action.
        low: Low end of its 95 % interval (Wilson), decisions taken as independent.
        high: High end.
        regret: Mean over states of Q(best action) - Q(chosen action), in the source
            network's own estimate, divided by ``regret_scale``.
        regret_scale: Mean over states of Q(best) - Q(worst), in units of Q.
        states: Number of states.
    """

    agreement: float
    low: float
    high: float
    regret: float
    regret_scale: float
    states: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def share_that_shows(wanted: float, states: int, *, confidence: float = 0.95) -> float:
    """Smallest share of equal actions on some states that shows a wanted agreement.

    Its one-sided exact lower bound (Clopper and Pearson 1934) is the wanted agreement, decisions
    taken as independent: chance alone gives that share with a probability of at most
    1 - confidence where the true agreement is lower. No sample shows an agreement of 1; for it
    the share is 1.

    Args:
        wanted: Agreement, above 0 and at most 1.
        states: Number of states.
        confidence: Between 0 and 1.

    Returns:
        The share; infinity where there are too few states.
    """
    from scipy import stats

    if wanted == 1:
        return 1.0
    equal = int(stats.binom.isf(1 - confidence, states, wanted)) + 1
    return equal / states if equal <= states else float("inf")


def states_that_show(wanted: float, *, confidence: float = 0.95) -> int:
    """Fewest states that can show a wanted agreement, if all their actions are equal.

    The smallest n with wanted ** n <= 1 - confidence; 1 for a wanted agreement of 1.
    """
    return 1 if wanted == 1 else math.ceil(math.log(1 - confidence) / math.log(wanted))


def compare(q_values: NDArray[np.floating], actions: NDArray[np.int64]) -> Agreement:
    """Compare actions with the greedy ones of the source network.

    Args:
        q_values: (B, n) outputs of the source network.
        actions: (B,) actions taken.
    """
    q = q_values.astype(np.float64)
    equal = q.argmax(axis=1) == actions
    chosen = q[np.arange(len(q)), actions]
    scale = float((q.max(axis=1) - q.min(axis=1)).mean())
    regret = float((q.max(axis=1) - chosen).mean())
    interval = binomial_interval(int(equal.sum()), len(equal))
    return Agreement(
        agreement=float(equal.mean()),
        low=interval.low,
        high=interval.high,
        regret=regret / scale if scale > 0 else 0.0,
        regret_scale=scale,
        states=len(equal),
    )
