"""Two agents on the same episodes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dsqn_fast.errors import OptionError
from dsqn_fast.statistics.checks import checked_values
from dsqn_fast.statistics.intervals import RESAMPLES, Interval, bootstrap_interval


@dataclass(frozen=True, kw_only=True)
class PairedComparison:
    """How much better one agent is than another, episode by episode.

    Attributes:
        difference: Mean of (first - second), in the units of the values.
        interval: Its bootstrap interval; NaN for a single episode.
        p_value: Of the hypothesis that the sign of every difference is a coin's (two-sided).
        wins: Episodes in which the first is higher.
        ties: Episodes in which both are equal.
        losses: Episodes in which the second is higher.
    """

    difference: float
    interval: Interval
    p_value: float
    wins: int
    ties: int
    losses: int

    def to_dict(self) -> dict[str, Any]:
        """The comparison as JSON values; NaN becomes None."""
        low, high = (None if np.isnan(end) else end for end in self.interval)
        rest = {k: v for k, v in asdict(self).items() if k != "interval"}
        return {**rest, "ci_low": low, "ci_high": high}


def paired_comparison(
    first: ArrayLike, second: ArrayLike, *, confidence: float = 0.95, seed: int = 0
) -> PairedComparison:
    """Compare two agents that played the same episodes.

    What makes an episode easy or hard is the same for both, and cancels in the difference. The
    p-value is that of the permutation test which flips the sign of differences (Fisher 1935;
    `scipy.stats.permutation_test`), exact where all 2**n flips are few enough;
    1 where the differences are all 0 or there is one alone.

    Args:
        first: (n,) returns, one per episode seed.
        second: (n,) returns of the other agent on the same seeds, in the same order.
        confidence: Coverage of the interval between 0 and 1.
        seed: Seed of the resampling.

    Raises:
        OptionError: Their numbers differ, there are none, or one is not finite.
    """
    from scipy import stats

    one, two = checked_values(first), checked_values(second)
    if len(one) != len(two):
        raise OptionError(
            f"a paired comparison needs the same episodes, but there are {len(one)} and {len(two)}"
        )
    differences = one - two
    p_value = 1.0
    if differences.any() and len(differences) > 1:
        p_value = stats.permutation_test(
            (differences,),
            lambda values, axis: np.mean(values, axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=RESAMPLES,
            batch=max(1, 2_000_000 // len(differences)),
            rng=np.random.default_rng(seed),
        ).pvalue
    return PairedComparison(
        difference=float(differences.mean()),
        interval=bootstrap_interval(differences, confidence=confidence, seed=seed),
        p_value=float(p_value),
        wins=int((differences > 0).sum()),
        ties=int((differences == 0).sum()),
        losses=int((differences < 0).sum()),
    )
