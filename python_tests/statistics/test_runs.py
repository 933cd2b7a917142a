"""Interquartile means and probabilities of improvement beside SciPy's own."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from dsqn_fast.errors import OptionError
from dsqn_fast.statistics import RESAMPLES, iqm, probability_of_improvement


@pytest.mark.parametrize("shape", [(1,), (3,), (5,), (8,), (5, 3), (10, 2)])
def test_the_interquartile_mean_is_a_trimmed_mean(shape: tuple[int, ...]) -> None:
    scores = np.random.default_rng(0).exponential(size=shape)
    assert iqm(scores).value == pytest.approx(stats.trim_mean(scores, 0.25, axis=None), rel=1e-12)


def test_of_five_runs_the_best_and_the_worst_are_left_out() -> None:
    assert iqm([500.0, 499.0, 20.0, 498.0, 500.0]).value == pytest.approx(499.0)


@pytest.mark.parametrize("tasks", [1, 3])
def test_the_interval_is_the_stratified_bootstrap_of_scipy(tasks: int) -> None:
    scores = np.random.default_rng(1).normal(100, 20, (7, tasks))

    def statistic(*runs: np.ndarray, axis: int) -> np.ndarray:
        return stats.trim_mean(np.concatenate(runs, axis=axis), 0.25, axis=axis)

    wanted = stats.bootstrap(
        tuple(scores.T),
        statistic,
        n_resamples=RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(5),
    ).confidence_interval
    found = iqm(scores, seed=5)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), rel=1e-12)
    assert found.low < found.value < found.high


def test_a_task_is_resampled_on_its_own() -> None:
    # Tasks of constant scores: resampling within them changes nothing.
    assert iqm([[0.0, 100.0]] * 6) == (50.0, 50.0, 50.0)


def test_many_scores_are_resampled_in_batches() -> None:
    scores = np.random.default_rng(2).normal(size=(100, 30))
    found = iqm(scores)
    error = found.high - found.low
    # The middle half of 3000 normal values: deviation of its mean about 1.1 / sqrt(3000).
    assert error == pytest.approx(2 * 1.96 * 1.1 / math.sqrt(3000), rel=0.1)


def test_one_run_has_no_interval() -> None:
    assert all(math.isnan(end) for end in iqm([3.0])[1:])
    assert all(math.isnan(end) for end in probability_of_improvement([3.0], [1.0, 2.0])[1:])


def test_improvement_is_mann_whitneys_u() -> None:
    rng = np.random.default_rng(3)
    one, two = rng.integers(0, 9, 7).astype(float), rng.integers(0, 9, 5).astype(float)
    wanted = stats.mannwhitneyu(one, two).statistic / 35
    found = probability_of_improvement(one, two)
    assert found.value == pytest.approx(wanted)
    back = probability_of_improvement(two, one)
    assert found.value + back.value == pytest.approx(1.0)
    assert found.low <= found.value <= found.high


def test_improvement_over_tasks_is_the_mean_of_the_tasks() -> None:
    better, same = [[2.0, 5.0]] * 4, [[1.0, 5.0]] * 3
    assert probability_of_improvement(better, same) == (0.75, 0.75, 0.75)


def test_the_interval_of_an_improvement_is_the_bootstrap_of_scipy() -> None:
    rng = np.random.default_rng(4)
    one, two = rng.normal(0.5, 1, 6), rng.normal(0, 1, 5)

    def statistic(x: np.ndarray, y: np.ndarray, axis: int) -> np.ndarray:
        return (x[..., :, None] > y[..., None, :]).mean(axis=(-1, -2))

    wanted = stats.bootstrap(
        (one, two),
        statistic,
        n_resamples=RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    found = probability_of_improvement(one, two)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), rel=1e-12)


def test_the_seed_decides_the_interval() -> None:
    scores = np.random.default_rng(6).normal(size=9)
    assert iqm(scores, seed=1) == iqm(scores, seed=1)
    assert iqm(scores, seed=1) != iqm(scores, seed=2)


@pytest.mark.parametrize("scores", [[], [[]], [[[1.0]]], [1.0, math.nan]])
def test_scores_that_are_none_are_refused(scores: object) -> None:
    with pytest.raises(OptionError, match=r"scores must|statistics need finite"):
        iqm(scores)  # type: ignore[arg-type]


def test_other_tasks_and_no_shares_are_refused() -> None:
    with pytest.raises(OptionError, match="one has 2 and the other 1"):
        probability_of_improvement([[1.0, 2.0]], [1.0])
    with pytest.raises(OptionError, match="between 0 and 1, not 95"):
        iqm([1.0, 2.0], confidence=95)
