"""Environments whose episodes are known beforehand."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray


class Walk(gymnasium.Env[NDArray[np.float32], int]):
    """A walk on a line: action 1 goes right, 0 left; ends beyond +-``edge``, truncated at 30.

    The reward of a step is its number within the episode, so that an episode of n steps returns
    n (n + 1) / 2.
    """

    observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float32)
    action_space = spaces.Discrete(2)

    def __init__(self, *, edge: float = 3.0, limit: int = 30) -> None:
        self.edge, self.limit = edge, limit
        self.place, self.steps = 0.0, 0
        self.closed, self.seeds = False, list[Any]()

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.seeds.append(seed)
        self.place, self.steps = float(self.np_random.uniform(-2, 2)), 0
        return self._seen(), {}

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.steps += 1
        self.place += (1.0 if action else -1.0) + float(self.np_random.normal())
        ended = abs(self.place) > self.edge
        stopped = self.steps >= self.limit and not ended
        return self._seen(), float(self.steps), ended, stopped, {}

    def close(self) -> None:
        self.closed = True

    def _seen(self) -> NDArray[np.float32]:
        return np.array([self.place, self.steps], np.float32)


class OldWalk:
    """`Walk` with the API of gym 0.21: observation alone from reset, four values from step."""

    def __init__(self, **options: Any) -> None:
        self.walk = Walk(**options)
        self.observation_space = self.walk.observation_space
        self.action_space = self.walk.action_space
        self._seed: int | None = None

    def seed(self, seed: int) -> None:
        self._seed = seed

    def reset(self) -> Any:
        return self.walk.reset(seed=self._seed)[0]

    def step(self, action: int) -> tuple[Any, float, bool, dict[str, Any]]:
        seen, reward, terminated, truncated, info = self.walk.step(action)
        info = {"TimeLimit.truncated": True} if truncated else info
        return seen, reward, terminated or truncated, info


class PassesOn:
    """A wrapper of gym 0.26: ``reset`` hands its arguments to what it wraps."""

    def __init__(self, env: Any) -> None:
        self.env = env
        self.observation_space, self.action_space = env.observation_space, env.action_space

    def reset(self, **options: Any) -> Any:
        return self.env.reset(**options)

    def step(self, action: int) -> Any:
        return self.env.step(action)
