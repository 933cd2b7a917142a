"""Comparing methods over a handful of runs: Agarwal et al. 2021.

Source of all of it: R. Agarwal, M. Schwarzer, P. S. Castro, A. Courville, M. G. Bellemare, "Deep
Reinforcement Learning at the Edge of the Statistical Precipice", NeurIPS 2021. A score is one
number per training run and task, such as the mean return of its network on fresh episodes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsqn_fast.errors import OptionError
from dsqn_fast.statistics.checks import check_confidence, checked_scores
from dsqn_fast.statistics.intervals import RESAMPLES

TRIMMED: Final = 0.25
"""Share of the scores that the interquartile mean leaves out at either end."""
_BATCH: Final = 2_000_000
"""Numbers that are held at once while resampling."""

Floats = NDArray[np.float64]


class Estimate(NamedTuple):
    """A statistic and its confidence interval; both ends are NaN where the data allow none."""

    value: float
    low: float
    high: float


def iqm(scores: ArrayLike, *, confidence: float = 0.95, seed: int = 0) -> Estimate:
    """Interquartile mean: the mean of the middle half of all scores, pooled over tasks.

    Of n scores int(n / 4) are left out at either end, as `scipy.stats.trim_mean` does: of five
    runs the best and the worst, of three none. The interval is the percentile interval of the
    stratified bootstrap: runs are drawn again with replacement, within each task on its own.

    Args:
        scores: (runs,) or (runs, tasks).
        confidence: Coverage between 0 and 1.
        seed: Seed of the resampling.

    Returns:
        The estimate in the units of the scores; an interval of NaN for a single run.

    Raises:
        OptionError: There are no scores, one is not finite, or ``confidence`` is no share.
    """
    data = checked_scores(scores)
    ends = _interval((data,), lambda drawn: _iqm(drawn[0]), confidence, seed)
    return Estimate(float(_iqm(data[np.newaxis])[0]), *ends)


def probability_of_improvement(
    scores: ArrayLike, others: ArrayLike, *, confidence: float = 0.95, seed: int = 0
) -> Estimate:
    """Probability that a run of one method scores higher than a run of another.

    For a task with runs x and y it is the share of pairs with x > y, equal ones counted half,
    which is the Mann-Whitney U divided by the number of pairs; over tasks it is the mean. The
    interval is that of the stratified bootstrap, both methods resampled.

    Args:
        scores: (runs,) or (runs, tasks) of the method.
        others: (runs,) or (runs, tasks) of the other method, in the same tasks; it may have
            another number of runs.
        confidence: Coverage between 0 and 1.
        seed: Seed of the resampling.

    Returns:
        The estimate, 0 to 1; an interval of NaN where one of them has a single run.

    Raises:
        OptionError: As of `iqm`, or the numbers of tasks differ.
    """
    data = checked_scores(scores), checked_scores(others)
    if data[0].shape[1] != data[1].shape[1]:
        raise OptionError(
            f"both methods need scores of the same tasks, but one has {data[0].shape[1]} and the "
            f"other {data[1].shape[1]}"
        )
    ends = _interval(data, lambda drawn: _share_of_wins(*drawn), confidence, seed)
    value = _share_of_wins(data[0][np.newaxis], data[1][np.newaxis])
    return Estimate(float(value[0]), *ends)


def _iqm(drawn: Floats) -> Floats:
    """Interquartile means (resamples,) of scores (resamples, runs, tasks)."""
    pooled = np.sort(drawn.reshape(len(drawn), -1), axis=1)
    cut = int(TRIMMED * pooled.shape[1])
    means: Floats = pooled[:, cut : pooled.shape[1] - cut].mean(axis=1)
    return means


def _share_of_wins(scores: Floats, others: Floats) -> Floats:
    """Means over tasks (resamples,) of the share of pairs that are won."""
    difference = scores[:, :, np.newaxis, :] - others[:, np.newaxis, :, :]
    won: Floats = (0.5 * (np.sign(difference) + 1.0)).mean(axis=(1, 2, 3))
    return won


def _interval(
    methods: tuple[Floats, ...],
    statistic: Callable[[tuple[Floats, ...]], Floats],
    confidence: float,
    seed: int,
) -> tuple[float, float]:
    """Percentile interval of a statistic of resampled scores."""
    check_confidence(confidence)
    if min(len(scores) for scores in methods) == 1:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    # Pairs of runs are compared, so that the product of sizes counts.
    size = max(1, _BATCH // int(np.prod([scores.size for scores in methods])))
    values = [
        statistic(tuple(_resampled(scores, count, rng) for scores in methods))
        for count in _batches(RESAMPLES, size)
    ]
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(np.concatenate(values), [tail, 1.0 - tail])
    return float(low), float(high)


def _resampled(scores: Floats, count: int, rng: np.random.Generator) -> Floats:
    """(count, runs, tasks): in every task as many runs as before, drawn with replacement."""
    runs, tasks = scores.shape
    drawn = [scores[rng.integers(0, runs, (count, runs)), task] for task in range(tasks)]
    return np.stack(drawn, axis=2)


def _batches(total: int, size: int) -> list[int]:
    return [min(size, total - start) for start in range(0, total, size)]
