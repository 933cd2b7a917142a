"""Rewards that a network learns from in place of the environment's own."""

from __future__ import annotations

import math
from typing import Any, Final

import gymnasium

from dsqn_fast.environments import Environment, env_name
from dsqn_fast.errors import EnvironmentMismatchError

FAILURE_REWARD = -1.0
MOUNTAIN_CAR_START = -0.5
MOUNTAIN_CAR_LEAST = -0.1
STEP_COST = 0.01


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


class MountainCarEnergyReward(gymnasium.Wrapper[Any, Any, Any, Any]):
    """0.01 * r, and the mechanical energy that the car gains in the step.

    Energy is v**2 / 2 + g / 3 * sin(3 x), as the environment's equation of motion has it, in
    units of what lies between the valley's bottom and the goal. It is a potential (Ng 1999): what
    an episode collects of it depends on where it starts and ends alone, so that it tells the way
    and leaves the fewest steps as the aim.
    """

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Gymnasium's reset."""
        observation, info = self.env.reset(seed=seed, options=options)
        self._energy = self._energy_at(*map(float, observation))
        return observation, info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Gymnasium's step, with the reward replaced."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        before, self._energy = self._energy, self._energy_at(*map(float, observation))
        gained = STEP_COST * float(reward) + self._energy - before
        return observation, gained, terminated, truncated, info

    def _energy_at(self, position: float, velocity: float) -> float:
        car: Any = self.env.unwrapped
        height = float(car.gravity) / 3.0
        needed = height * (math.sin(3.0 * float(car.goal_position)) + 1.0)
        return (velocity**2 / 2.0 + height * math.sin(3.0 * position)) / needed


_MOUNTAIN_CAR: Final = {
    "mountain-car": MountainCarReward,
    "mountain-car-energy": MountainCarEnergyReward,
}


def with_reward(env: Environment, reward: str) -> Environment:
    """The environment with the reward of that name; see `TrainingSettings.reward`.

    Raises:
        EnvironmentMismatchError: The reward belongs to another environment.
    """
    if reward == "failure":
        return FailureReward(env)
    if reward in _MOUNTAIN_CAR:
        if not env_name(env).startswith("MountainCar-"):
            raise EnvironmentMismatchError(
                f"reward {reward!r} reads the position of MountainCar, not of {env_name(env)}: "
                "use reward 'environment'"
            )
        return _MOUNTAIN_CAR[reward](env)
    return env
