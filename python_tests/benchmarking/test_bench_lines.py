from __future__ import annotations

import numpy as np
from interleaved import interleaved, straight_line

from dsqn_fast.benchmarking.stopwatch import seconds_per_call


def test_a_straight_line_is_found() -> None:
    offset, slope, deviation = straight_line([1, 2, 5], [5, 7, 13])
    np.testing.assert_allclose([offset, slope, deviation], [3, 2, 0], atol=1e-9)


def test_a_bend_shows_as_deviation() -> None:
    assert straight_line([1, 2, 4, 8], [1, 4, 16, 64])[2] > 0.2


def test_calls_take_turns() -> None:
    seen: list[str] = []
    times = interleaved(
        {"a": lambda: seen.append("a"), "b": lambda: seen.append("b")}, rounds=2, seconds=1e-9
    )
    assert set(times) == {"a", "b"}
    order = "".join(seen)
    assert order == order[: len(order) // 2] * 2
    assert order.index("b") > 0


def test_as_many_calls_as_fit() -> None:
    seen: list[int] = []
    seconds, calls = seconds_per_call(lambda: seen.append(1), 1e-9)
    assert seconds > 0
    assert calls == 1
    assert len(seen) == 2
