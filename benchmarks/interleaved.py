"""Times of several calls, taken in turns so that noise of the machine meets each of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from dsqn_fast.benchmarking.report import Spread, spread
from dsqn_fast.benchmarking.stopwatch import seconds_per_call

Key = TypeVar("Key")


def interleaved(
    calls: Mapping[Key, Callable[[], object]], *, rounds: int = 7, seconds: float = 0.02
) -> dict[Key, Spread]:
    """Median and quartiles of the seconds of each call, over ``rounds`` rounds."""
    times: dict[Key, list[float]] = {key: [] for key in calls}
    for _ in range(rounds):
        for key, call in calls.items():
            times[key].append(seconds_per_call(call, seconds)[0])
    return {key: spread(values) for key, values in times.items()}


def shortest(
    calls: Mapping[Key, Callable[[], object]], *, rounds: int = 40, burst: int = 10
) -> dict[Key, float]:
    """Shortest seconds of one call each, over ``rounds`` rounds of ``burst`` calls in a row."""
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for key, call in calls.items():
            for _ in range(burst):
                start = time.perf_counter()
                call()
                best[key] = min(best[key], time.perf_counter() - start)
    return best


def straight_line(x: Sequence[float], y: Sequence[float]) -> tuple[float, float, float]:
    """Offset, slope and largest relative deviation of ``y = offset + slope * x``.

    Every point weighs by its relative error, so that small times count as much as large ones.
    """
    xs, ys = np.asarray(x, float), np.asarray(y, float)
    design = np.stack([np.ones_like(xs), xs], axis=1) / ys[:, np.newaxis]
    (offset, slope), *_ = np.linalg.lstsq(design, np.ones_like(ys), rcond=None)
    deviation = np.abs((offset + slope * xs) / ys - 1).max()
    return float(offset), float(slope), float(deviation)
