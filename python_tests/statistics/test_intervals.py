"""Intervals beside SciPy's own, values of the literature, and data that allow no interval."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from dsqn_fast.errors import OptionError
from dsqn_fast.statistics import (
    RESAMPLES,
    binomial_interval,
    bootstrap_interval,
    mean,
    standard_deviation,
)


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_bootstrap_is_bca_of_scipy(confidence: float) -> None:
    values = np.random.default_rng(0).exponential(100, 60)
    wanted = stats.bootstrap(
        (values,),
        np.mean,
        confidence_level=confidence,
        n_resamples=RESAMPLES,
        method="BCa",
        rng=np.random.default_rng(7),
    ).confidence_interval
    found = bootstrap_interval(values, confidence=confidence, seed=7)
    assert found == pytest.approx((wanted.low, wanted.high), rel=1e-12)
    assert found.low < values.mean() < found.high


def test_the_bootstrap_repeats_with_its_seed_alone() -> None:
    values = np.random.default_rng(1).normal(size=40)
    assert bootstrap_interval(values, seed=3) == bootstrap_interval(values, seed=3)
    assert bootstrap_interval(values, seed=3) != bootstrap_interval(values, seed=4)


def test_the_bootstrap_covers_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    hits = 0
    for trial in range(60):
        low, high = bootstrap_interval(rng.normal(5.0, 2.0, 50), confidence=0.8, seed=trial)
        hits += low <= 5.0 <= high
    # 48 of 60 expected; 3.5 standard deviations are 11.
    assert 37 <= hits <= 59


def test_returns_that_are_all_equal_give_that_value() -> None:
    assert bootstrap_interval([500.0] * 100) == (500.0, 500.0)


@pytest.mark.parametrize("values", [[1.0, 2.0], [0.0, 0.0, 1.0], [500.0] * 99 + [499.0]])
def test_nearly_degenerate_values_give_a_finite_interval(values: list[float]) -> None:
    low, high = bootstrap_interval(values)
    assert min(values) <= low <= high <= max(values)


def test_one_value_says_nothing_about_its_spread() -> None:
    assert all(math.isnan(end) for end in bootstrap_interval([3.0]))
    assert standard_deviation([3.0]) == 0.0


def test_mean_and_deviation_have_divisor_n() -> None:
    assert mean([1, 2, 6]) == 3.0
    assert standard_deviation([1, 2, 6]) == pytest.approx(math.sqrt(14 / 3))


@pytest.mark.parametrize(
    ("successes", "trials", "method", "wanted"),
    [
        # Wilson score interval by its formula with z = 1.959964: 8 of 10, 0 of 10.
        (8, 10, "wilson", (0.490162, 0.943318)),
        (0, 10, "wilson", (0.0, 0.277533)),
        # Clopper and Pearson: 0 of n ends at 1 - 0.025 ** (1 / n).
        (0, 10, "exact", (0.0, 1 - 0.025**0.1)),
        (10, 10, "exact", (0.025**0.1, 1.0)),
        (0, 0, "wilson", (0.0, 1.0)),
    ],
)
def test_binomial_intervals(successes: int, trials: int, method: str, wanted: object) -> None:
    found = binomial_interval(successes, trials, method=method)  # type: ignore[arg-type]
    assert found == pytest.approx(wanted, abs=2e-6)


def test_the_exact_interval_holds_the_beta_quantiles() -> None:
    found = binomial_interval(37, 50, confidence=0.9, method="exact")
    wanted = (stats.beta.ppf(0.05, 37, 14), stats.beta.ppf(0.95, 38, 13))
    assert found == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("values", [[], [[1.0, 2.0]], [1.0, math.nan], [math.inf]])
def test_values_that_are_no_statistic_are_refused(values: object) -> None:
    with pytest.raises(OptionError, match="statistics need"):
        bootstrap_interval(values)  # type: ignore[arg-type]


def test_impossible_counts_and_shares_are_refused() -> None:
    with pytest.raises(OptionError, match="from 0 to the 10 trials, not 11"):
        binomial_interval(11, 10)
    with pytest.raises(OptionError, match="between 0 and 1, not 95"):
        bootstrap_interval([1.0, 2.0], confidence=95)
    with pytest.raises(OptionError, match="one of wilson, exact, not 'wald'"):
        binomial_interval(1, 2, method="wald")  # type: ignore[arg-type]
