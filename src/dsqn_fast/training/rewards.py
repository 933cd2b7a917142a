"""Rewards that a network learns from in place of the environment's own."""

from __future__ import annotations

from typing import Any

import gymnasium

from dsqn_fast.environments import Environment, env_name
from dsqn_fast.errors import EnvironmentMismatchError

FAILURE_REWARD = -1.0
MOUNTAIN_CAR_START = -0.5
MOUNTAIN_CAR_LEAST = -0.1


class FailureReward(gymnasium.Wrapper[Any, Any, Any, Any]):
    """0 each step and -1 where an episode ends by itself; a time-out is no failure.

    In a task of survival, Q is then -gamma**n with n steps left: the order of policies and
    actions is that of one reward per step, without the offset 1 / (1 - gamma).
    """

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Gymnasium's step, with the reward replaced."""
        observation, _, terminated, truncated, info = self.env.step(action)
        reward = FAILURE_REWARD if terminated else 0.0
        return observation, reward, terminated, truncated, info


class MountainCarReward(gymnasium.Wrapper[Any, Any, Any, Any]):
    """min(r + abs(x + 0.5), -0.1): leaving the valley's bottom costs less.

    Source: C. Hahn, Deep Spiking Q Networks, TUM 2020.
    """

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Gymnasium's step, with the reward replaced."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        shaped = float(reward) + abs(float(observation[0]) - MOUNTAIN_CAR_START)
        return observation, min(shaped, MOUNTAIN_CAR_LEAST), terminated, truncated, info


def with_reward(env: Environment, reward: str) -> Environment:
    """The environment with the reward of that name; see `TrainingSettings.reward`.

    Raises:
        EnvironmentMismatchError: The reward belongs to another environment.
    """
    if reward == "failure":
        return FailureReward(env)
    if reward == "mountain-car":
        if not env_name(env).startswith("MountainCar-"):
            raise EnvironmentMismatchError(
                f"reward 'mountain-car' reads the position of MountainCar, not of {env_name(env)}: "
                "use reward 'environment'"
            )
        return MountainCarReward(env)
    return env
