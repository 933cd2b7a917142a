"""The gradient of REINFORCE: advantages follow their equation, episodes are whole."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")

from dsqn_fast.training.reinforce import Episodes, advantages

LENGTHS = (3, 5, 2)


def episodes() -> Episodes:
    rng = np.random.default_rng(0)
    playing = np.arange(5)[:, None] < np.array(LENGTHS)
    return Episodes(
        observations=rng.normal(size=(5, 3, 2)).astype(np.float32),
        actions=rng.integers(2, size=(5, 3)),
        rewards=np.where(playing, rng.normal(size=(5, 3)), 0.0),
        playing=playing,
    )


@pytest.mark.parametrize("baseline", ["none", "step"])
def test_advantages_follow_their_equation(baseline: str) -> None:
    played, gamma = episodes(), 0.9
    returns = np.zeros((5, 3))
    for e, length in enumerate(LENGTHS):
        for t in range(length):
            tail = played.rewards[t:length, e]
            returns[t, e] = (gamma ** np.arange(len(tail)) * tail).sum()
    wanted = returns.copy()
    if baseline == "step":
        for e in range(3):
            wanted[:, e] -= np.delete(returns, e, axis=1).mean(axis=1)
    wanted[~played.playing] = 0.0
    wanted /= np.sqrt((wanted[played.playing] ** 2).mean())
    np.testing.assert_allclose(advantages(played, gamma, baseline), wanted, atol=1e-12)


def test_equal_episodes_give_no_gradient() -> None:
    """So a policy whose episodes all reach the time limit is left alone."""
    same = Episodes(
        observations=np.zeros((4, 3, 2), np.float32),
        actions=np.zeros((4, 3), np.int64),
        rewards=np.ones((4, 3)),
        playing=np.ones((4, 3), bool),
    )
    assert np.abs(advantages(same, 0.99, "step")).max() < 1e-3
