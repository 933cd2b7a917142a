"""Means, deviations and confidence intervals of independent values."""

from __future__ import annotations

import warnings
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from dsqn_fast.errors import OptionError
from dsqn_fast.statistics.checks import check_confidence, checked_values

RESAMPLES = 9999
"""Bootstrap resamples behind every interval of a mean."""


class Interval(NamedTuple):
    """A confidence interval; both ends are NaN where the data allow none."""

    low: float
    high: float


def mean(values: ArrayLike) -> float:
    """Arithmetic mean of (n,) values, n >= 1."""
    return float(checked_values(values).mean())


def standard_deviation(values: ArrayLike) -> float:
    """Standard deviation with divisor n (ddof = 0), as Stable-Baselines3 reports returns."""
    return float(checked_values(values).std())


def bootstrap_interval(values: ArrayLike, *, confidence: float = 0.95, seed: int = 0) -> Interval:
    """Bootstrap confidence interval of the mean of independent values.

    Bias-corrected and accelerated (Efron 1987), by `scipy.stats.bootstrap`; the percentile
    interval where the data are too degenerate for that.

    Args:
        values: (n,) independent values, such as returns of episodes.
        confidence: Coverage between 0 and 1.
        seed: Seed of the resampling.

    Returns:
        Low and high end in the units of the values; the value itself twice if all are equal,
        NaN twice for a single value, which says nothing about its spread.

    Raises:
        OptionError: There are no values, one is not finite, or ``confidence`` is no share.
    """
    data = checked_values(values)
    check_confidence(confidence)
    if len(data) == 1:
        return Interval(float("nan"), float("nan"))
    if (data == data[0]).all():
        return Interval(float(data[0]), float(data[0]))
    # Where BCa is undefined, as for values equal but for rounding, SciPy divides by 0, warns and
    # returns NaN, which is looked at here.
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.filterwarnings("ignore", message=".*BCa confidence interval.*")
        interval = _bootstrap(data, confidence, seed, "BCa")
    if not np.isfinite(interval).all():
        interval = _bootstrap(data, confidence, seed, "percentile")
    return interval


def binomial_interval(
    successes: int,
    trials: int,
    *,
    confidence: float = 0.95,
    method: Literal["wilson", "exact"] = "wilson",
) -> Interval:
    """Confidence interval of a share, for independent trials.

    Args:
        successes: Number of successes, 0 to ``trials``.
        trials: Number of trials; 0 gives (0, 1).
        confidence: Coverage between 0 and 1.
        method: ``"wilson"`` (Wilson 1927) or ``"exact"`` (Clopper and Pearson 1934), which
            never covers less than it says.

    Raises:
        OptionError: The counts are impossible or ``confidence`` is no share.
    """
    from scipy import stats

    check_confidence(confidence)
    if not 0 <= successes <= trials:
        raise OptionError(f"successes must be from 0 to the {trials} trials, not {successes}")
    if method not in ("wilson", "exact"):
        raise OptionError(f"method must be one of wilson, exact, not {method!r}")
    if trials == 0:
        return Interval(0.0, 1.0)
    test = stats.binomtest(int(successes), int(trials))
    interval = test.proportion_ci(confidence, method=method)
    return Interval(float(interval.low), float(interval.high))


def _bootstrap(data: np.ndarray, confidence: float, seed: int, method: str) -> Interval:
    from scipy import stats

    result = stats.bootstrap(
        (data,),
        np.mean,
        confidence_level=confidence,
        n_resamples=RESAMPLES,
        batch=max(1, 2_000_000 // len(data)),
        method=method,
        rng=np.random.default_rng(seed),
    )
    interval = result.confidence_interval
    return Interval(float(interval.low), float(interval.high))
