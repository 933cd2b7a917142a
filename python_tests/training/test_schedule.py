"""When evaluations and checkpoints are due, for learners that take one step or several."""

from __future__ import annotations

from typing import Any

import pytest

from dsqn_fast.training.schedule import Schedule


def run(stride: int, *, total: int, done: int = 0, **options: Any) -> dict[str, list[int]]:
    calls: dict[str, list[int]] = {"evaluate": [], "checkpoint": [], "progress": []}
    steps = {"now": done}
    schedule = Schedule(
        total_steps=total,
        eval_every=options.get("eval_every", 300),
        checkpoint_every=options.get("checkpoint_every", 250),
        evaluate=calls["evaluate"].append,
        checkpoint=lambda: calls["checkpoint"].append(steps["now"]),
        progress=calls["progress"].append,
        done=done,
    )
    while steps["now"] < total + 2 * stride:
        schedule.between(steps["now"])
        steps["now"] += stride
        schedule.after(steps["now"])
    return calls


def test_single_steps_meet_every_multiple_and_the_end() -> None:
    calls = run(1, total=1000)
    assert calls["evaluate"] == [300, 600, 900, 1000]
    assert calls["checkpoint"] == [250, 500, 750, 1000]
    assert calls["progress"] == list(range(100, 1001, 100))


def test_strides_are_evaluated_once_for_each_multiple_that_they_cross() -> None:
    calls = run(70, total=700)
    assert calls["evaluate"] == [350, 630, 700]
    assert calls["checkpoint"] == [280, 560]


@pytest.mark.parametrize("done", [300, 450])
def test_a_resumed_run_goes_on_as_if_it_had_not_ended(done: int) -> None:
    whole, rest = run(1, total=1000), run(1, total=1000, done=done)
    assert rest["evaluate"] == [step for step in whole["evaluate"] if step > done]
    assert rest["checkpoint"] == list(range(done + 250, 1003, 250))
