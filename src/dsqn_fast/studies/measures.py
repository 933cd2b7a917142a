"""Rows put together: the value of a metric, its spread and its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.statistics import (
    RESAMPLES,
    Estimate,
    Interval,
    Spread,
    bootstrap_interval,
    iqm,
    spread,
)
from dsqn_fast.studies.compute import Row

Floats = NDArray[np.float64]
_NOTHING = Interval(float("nan"), float("nan"))
_SUMS = {"agreement": ("equal_actions", "lengths"), "regret": ("regrets", "regret_scales")}


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What a metric came to.

    Attributes:
        value: Mean over episodes (and conversions and training seeds); for shares the ratio of
            the sums.
        interval: 95 % interval, NaN where the metric has none: by bootstrap over episodes, or
            over training seeds where there are several.
        std: Standard deviation over episodes (divisor n); None for metrics of no episodes.
    """

    value: float
    interval: Interval = _NOTHING
    std: float | None = None


def measure(metric: str, runs: Sequence[Row], seed: int = 0) -> Measure | None:
    """A metric over the runs of one cell: conversions of one or several trained networks.

    Returns:
        The measure; None where a run has no value, as agreement has none without a source.
    """
    if metric == "return":
        return _return(runs, seed)
    if metric in _SUMS:
        return _ratio(runs, *_SUMS[metric], seed=seed)
    values = [run.get(metric) for run in runs]
    if any(value is None for value in values):
        return None
    return Measure(value=float(np.mean(np.array(values, np.float64))))


def returns_of(runs: Sequence[Row]) -> Floats:
    """Returns (runs, episodes)."""
    return np.array([run["returns"] for run in runs], np.float64)


def trainings_of(runs: Sequence[Row]) -> Floats:
    """Returns (trainings, episodes): means over the conversions of each trained network."""
    return _by_training(returns_of(runs), runs)


def _return(runs: Sequence[Row], seed: int) -> Measure:
    returns = returns_of(runs)
    return Measure(
        value=float(returns.mean()),
        interval=bootstrap_interval(_units(returns, runs), seed=seed),
        std=float(returns.std(axis=1).mean()),
    )


def _units(values: Floats, runs: Sequence[Row]) -> Floats:
    """What is drawn again: training seeds where there are several, or else episodes."""
    trainings = _by_training(values, runs)
    units: Floats = trainings.mean(axis=1) if len(trainings) > 1 else trainings[0]
    return units


def _by_training(values: Floats, runs: Sequence[Row]) -> Floats:
    """(trainings, episodes): means over the conversions of each trained network."""
    names = [run["cell"]["policy"] for run in runs]
    return np.stack(
        [values[[n == name for n in names]].mean(axis=0) for name in dict.fromkeys(names)]
    )


def _ratio(runs: Sequence[Row], above: str, below: str, *, seed: int) -> Measure | None:
    if any(run.get(above) is None or run.get(below) is None for run in runs):
        return None
    tops = np.array([run[above] for run in runs], np.float64)
    bottoms = np.array([run[below] for run in runs], np.float64)
    if bottoms.sum() <= 0:
        return Measure(value=0.0)
    top, bottom = _by_training(tops, runs), _by_training(bottoms, runs)
    if len(top) > 1:
        top, bottom = top.sum(axis=1), bottom.sum(axis=1)
    else:
        top, bottom = top[0], bottom[0]
    return Measure(
        value=float(tops.sum() / bottoms.sum()), interval=ratio_interval(top, bottom, seed=seed)
    )


def ratio_interval(above: Floats, below: Floats, *, seed: int = 0) -> Interval:
    """95 % percentile bootstrap interval of a ratio of sums.

    Numerator and denominator of one episode are drawn together, so that the decisions within it
    need not be independent.

    Args:
        above: (n,) numerators, such as equal decisions of each episode.
        below: (n,) denominators, such as all its decisions.
        seed: Seed of the resampling.
    """
    if len(above) < 2:
        return _NOTHING
    drawn = np.random.default_rng(seed).integers(0, len(above), (RESAMPLES, len(above)))
    sums = np.maximum(below[drawn].sum(axis=1), np.finfo(float).tiny)
    low, high = np.quantile(above[drawn].sum(axis=1) / sums, [0.025, 0.975])
    return Interval(float(low), float(high))


def seeds_estimate(runs: Sequence[Row], seed: int = 0) -> Estimate | None:
    """IQM of the mean returns over training seeds; None for a single one."""
    trainings = trainings_of(runs)
    return iqm(trainings.mean(axis=1), seed=seed) if len(trainings) > 1 else None


def sources_of_spread(runs: Sequence[Row]) -> Spread | None:
    """Spread over episodes, conversions and training seeds kept apart; None for one run."""
    if len(runs) < 2:
        return None
    names: dict[str, list[list[float]]] = {}
    for run in runs:
        names.setdefault(run["cell"]["policy"], []).append(run["returns"])
    conversions = {len(group) for group in names.values()}
    if len(conversions) > 1:
        return None
    return spread(np.array(list(names.values()), np.float64))


def quick_value(metric: str, run: Row) -> float | None:
    """A metric of one run without its interval; None where it has none."""
    if metric == "return":
        return float(np.mean(run["returns"]))
    if metric in _SUMS:
        above, below = (run.get(name) for name in _SUMS[metric])
        if above is None or below is None or run["cell"]["role"] == "source":
            return None
        return float(np.sum(above) / max(np.sum(below), 1e-300))
    value = run.get(metric)
    return None if value is None else float(value)
