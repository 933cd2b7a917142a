"""Walk: a game that only a time limit ends; its picture is the number of steps."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

ROWS, COLUMNS = 6, 5
LIMIT = 7
"""Steps of a game."""


class Walk(gymnasium.Env[Any, Any]):
    """Every step is worth 1."""

    observation_space = spaces.Box(0, 255, (ROWS, COLUMNS, 1), np.uint8)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.steps = 0
        return self._image(), {}

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.steps += 1
        return self._image(), 1.0, False, False, {}

    def _image(self) -> Any:
        return np.full((ROWS, COLUMNS, 1), self.steps, np.uint8)


def register_walk() -> str:
    """Make the game known; returns its id."""
    if "Walk-v0" not in gymnasium.registry:
        gymnasium.register("Walk-v0", lambda **_: Walk(), max_episode_steps=LIMIT)
    return "Walk-v0"
