"""Random actions: how many, which, and that they repeat with the seed."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from dsqn_fast.agents import AnnAgent
from dsqn_fast.errors import EnvironmentMismatchError, OptionError
from dsqn_fast.evaluation import evaluate
from dsqn_fast.model import AnnModel, Dense
from dsqn_fast.random_actions import RandomActions

N_STEPS = 4000


class Recorder(gymnasium.Env[Any, Any]):
    """Keeps the actions that it is given."""

    observation_space = spaces.Box(0, 1, (1,))
    action_space: spaces.Space[Any] = spaces.Discrete(4, start=3)

    def __init__(self) -> None:
        self.actions: list[int] = []

    def reset(self, **_: Any) -> tuple[Any, dict[str, Any]]:
        self.actions = []
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.actions.append(action)
        return np.zeros(1, np.float32), 0.0, False, False, {}


def _actions(epsilon: float, seed: int) -> list[int]:
    env = Recorder()
    noisy = RandomActions(env, epsilon)
    noisy.reset(seed=seed)
    for _ in range(N_STEPS):
        noisy.step(5)
    return env.actions


def test_a_share_of_the_actions_is_uniformly_random() -> None:
    actions = np.array(_actions(0.2, 0))
    counts = [(actions == action).sum() / N_STEPS for action in (3, 4, 5, 6)]
    # Five standard deviations of a share of 5 %.
    np.testing.assert_allclose(counts, [0.05, 0.05, 0.85, 0.05], atol=5 * 0.0035)


def test_the_seed_decides_which() -> None:
    assert _actions(0.2, 1) == _actions(0.2, 1) != _actions(0.2, 2)
    assert set(_actions(0.0, 1)) == {5}


def test_evaluations_take_epsilon() -> None:
    """A pole that falls at once under one action lives longer with random ones."""
    weight = np.zeros((4, 2), np.float32)
    layer = Dense(weight=weight, bias=np.array([1, 0], np.float32))
    agent = AnnAgent(AnnModel(layers=(layer,), input_shape=(4,), env_id="CartPole-v1"))
    plain = evaluate(agent, episodes=20).mean
    noisy = evaluate(agent, episodes=20, epsilon=0.9)
    assert noisy.mean > 1.5 * plain
    again = evaluate(agent, episodes=20, epsilon=0.9, n_envs=3)
    np.testing.assert_array_equal(noisy.returns, again.returns)


@pytest.mark.parametrize("epsilon", [-0.1, 1.1, "much", None, True, float("nan")])
def test_what_is_no_probability_is_refused(epsilon: Any) -> None:
    with pytest.raises(OptionError, match="epsilon must be a probability from 0 to 1, not"):
        RandomActions(Recorder(), epsilon)


def test_actions_that_are_not_discrete_are_refused() -> None:
    env = Recorder()
    env.action_space = spaces.Box(0, 1, (2,))
    with pytest.raises(EnvironmentMismatchError, match="set epsilon to 0"):
        RandomActions(env, 0.1)
