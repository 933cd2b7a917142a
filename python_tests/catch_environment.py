"""Catch: a ball falls over a paddle; the smallest game that is seen as an image."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

ROWS, COLUMNS = 6, 5


class Catch(gymnasium.Env[Any, Any]):
    """Three actions: left, stay, right. Reward 1 for a caught ball, -1 for a lost one."""

    observation_space = spaces.Box(0, 255, (ROWS, COLUMNS, 1), np.uint8)
    action_space = spaces.Discrete(3)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.ball = [0, int(self.np_random.integers(COLUMNS))]
        self.paddle = int(self.np_random.integers(COLUMNS))
        return self._image(), {}

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.paddle = int(np.clip(self.paddle + action - 1, 0, COLUMNS - 1))
        self.ball[0] += 1
        ended = self.ball[0] == ROWS - 1
        reward = (1.0 if self.paddle == self.ball[1] else -1.0) if ended else 0.0
        return self._image(), reward, ended, False, {}

    def _image(self) -> Any:
        image = np.zeros((ROWS, COLUMNS, 1), np.uint8)
        image[ROWS - 1, self.paddle] = 120
        image[self.ball[0], self.ball[1]] = 255
        return image


def register_catch() -> str:
    """Make the game known; returns its id."""
    if "Catch-v0" not in gymnasium.registry:
        gymnasium.register("Catch-v0", lambda **_: Catch())
    return "Catch-v0"
