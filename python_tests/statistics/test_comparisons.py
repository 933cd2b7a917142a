"""Paired comparisons, many tests at once, and the sources of spread."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dsqn_fast.errors import OptionError
from dsqn_fast.statistics import (
    bootstrap_interval,
    holm,
    paired_comparison,
    spread,
    spread_of_moments,
)


def test_a_pair_cancels_what_episodes_share() -> None:
    rng = np.random.default_rng(0)
    shared = rng.normal(200, 80, 50)
    first, second = shared + rng.normal(5, 2, 50), shared
    found = paired_comparison(first, second)
    assert found.difference == pytest.approx((first - second).mean())
    assert found.interval == bootstrap_interval(first - second)
    assert 4 < found.interval.low < found.interval.high < 6
    # No random flip comes near: 2 of 2 * (9999 + 1) / 2.
    assert found.p_value == pytest.approx(2 / 10000)
    assert (found.wins, found.ties, found.losses) == ((first > second).sum(), 0, 50 - found.wins)


def test_few_episodes_have_an_exact_p_value() -> None:
    # All of 2**6 flips; only all plus and all minus are as extreme.
    assert paired_comparison([1, 2, 3, 4, 5, 6], [0] * 6).p_value == pytest.approx(2 / 64)


def test_p_values_of_equal_agents_are_uniform() -> None:
    rng = np.random.default_rng(1)
    found = [
        paired_comparison(rng.normal(size=12), rng.normal(size=12), seed=seed).p_value
        for seed in range(60)
    ]
    # 30 of 60 expected below a half; 3.5 standard deviations are 14.
    assert 16 <= sum(p < 0.5 for p in found) <= 44


def test_equal_returns_differ_by_nothing() -> None:
    found = paired_comparison([500.0] * 4, [500.0] * 4)
    assert (found.difference, found.interval, found.p_value) == (0.0, (0.0, 0.0), 1.0)
    assert found.ties == 4
    assert paired_comparison([1.0], [0.5]).to_dict()["ci_low"] is None


def test_unequal_numbers_of_episodes_are_refused() -> None:
    with pytest.raises(OptionError, match="there are 2 and 1"):
        paired_comparison([1.0, 2.0], [1.0])


def test_holm_gives_the_values_of_r() -> None:
    # p.adjust(c(0.04, 0.01, 0.03, 0.02), "holm") and p.adjust(c(0.01, 0.02, 0.9), "holm")
    np.testing.assert_allclose(holm([0.04, 0.01, 0.03, 0.02]), [0.06, 0.04, 0.06, 0.06])
    np.testing.assert_allclose(holm([0.01, 0.02, 0.9]), [0.03, 0.04, 0.9])
    np.testing.assert_allclose(holm([0.7, 0.6]), [1.0, 1.0])
    np.testing.assert_allclose(holm([0.3]), [0.3])


@pytest.mark.parametrize("p_values", [[], [0.1, 1.1], [-0.1], [math.nan]])
def test_values_that_are_no_probabilities_are_refused(p_values: list[float]) -> None:
    with pytest.raises(OptionError, match=r"from 0 to 1|statistics need"):
        holm(p_values)


def test_the_sources_of_spread_are_found_again() -> None:
    rng = np.random.default_rng(2)
    n, k, m = 60, 6, 40
    training, conversion, episodes = 30.0, 10.0, 50.0
    returns = (
        rng.normal(0, training, (n, 1, 1))
        + rng.normal(0, conversion, (n, k, 1))
        + rng.normal(0, episodes, (n, k, m))
    )
    found = spread(returns)
    assert found.episodes == pytest.approx(episodes, rel=0.03)
    assert found.conversion == pytest.approx(conversion, rel=0.15)
    assert found.training == pytest.approx(training, rel=0.25)


def test_spread_by_hand() -> None:
    # Two trainings of two conversions of two episodes: MS_E = 2, MS_B = 1, MS_A = 64.
    returns = [[[0, 2], [1, 3]], [[4, 6], [7, 5]]]
    found = spread(returns)
    residual = (1 + 1 + 1 + 1 + 1 + 1 + 1 + 1) / 4
    between = 2 * (2 * 0.5**2 + 0) / 2
    assert residual > between
    assert found.episodes == pytest.approx(math.sqrt(residual))
    means = [[1, 2], [5, 6]]
    ms_b = 2 * (4 * 0.5**2) / 2
    ms_a = 4 * ((1.5 - 3.5) ** 2 + (5.5 - 3.5) ** 2)
    assert np.mean(means) == 3.5
    assert found.conversion == 0.0
    assert found.training == pytest.approx(math.sqrt((ms_a - ms_b) / 4))


def test_moments_are_enough_for_one_conversion_each() -> None:
    returns = np.random.default_rng(3).normal([[1.0], [5.0], [9.0]], 2.0, (3, 30))
    found = spread_of_moments(returns.mean(axis=1), returns.std(axis=1), episodes=30)
    wanted = spread(returns)
    assert found.conversion is wanted.conversion is None
    assert found.episodes == pytest.approx(wanted.episodes)
    assert found.training == pytest.approx(wanted.training)


def test_what_happened_once_has_no_spread() -> None:
    assert spread([[1.0]]).to_dict() == {"episodes": None, "conversion": None, "training": None}
    assert spread([[1.0], [3.0]]).training == pytest.approx(math.sqrt(2))


@pytest.mark.parametrize("returns", [[1.0, 2.0], [[]], [[math.inf]], [[[[1.0]]]]])
def test_returns_of_another_shape_are_refused(returns: object) -> None:
    with pytest.raises(OptionError):
        spread(returns)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="same shape"):
        spread_of_moments([1.0], [1.0, 2.0], episodes=3)
