"""Disturbances of what a policy sees."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

BAR_ROWS = 3
"""Rows of pixels that are hidden (Patel et al. 2019)."""


class DisturbedObservations(gymnasium.Wrapper[Any, Any, Any, Any]):
    """An environment whose observations are disturbed, by draws that the episode's seed keys.

    Args:
        env: The environment with its preprocessing.
        level: How strong.
        spread: () or shaped like an observation: what a level of 1 is, see the subclasses.
        limits: Lowest and highest value of an entry; infinite where there is none.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        level: float,
        *,
        spread: NDArray[np.float64],
        limits: tuple[float, float],
    ) -> None:
        super().__init__(env)
        self.level, self.spread, self.limits = level, spread, limits
        self.rng = np.random.default_rng()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; its seed is that of the disturbance too."""
        if seed is not None:
            self.rng = np.random.default_rng((seed, 0xD157))
        observation, info = self.env.reset(seed=seed, options=options)
        return self._disturbed(observation), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Act; what follows is disturbed."""
        observation, *rest = self.env.step(action)
        return (self._disturbed(observation), *rest)  # type: ignore[return-value]

    def _disturbed(self, observation: Any) -> NDArray[Any]:
        plain = np.asarray(observation)
        changed = self.disturb(plain.astype(np.float64))
        low, high = self.limits
        changed = np.clip(changed, low, high)
        if plain.dtype.kind in "biu":
            changed = np.rint(changed)
        return changed.astype(plain.dtype)

    @abstractmethod
    def disturb(self, observation: NDArray[np.float64]) -> NDArray[np.float64]:
        """The observation, disturbed; may be changed in place."""


class Bar(DisturbedObservations):
    """Three rows of pixels are zero, from row ``level`` on (Patel et al. 2019)."""

    def disturb(self, observation: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rows are the second axis where the channels come first, else the first axis."""
        first = int(self.level)
        rows = slice(first, first + BAR_ROWS)
        if observation.shape[0] < observation.shape[2]:
            observation[:, rows] = 0
        else:
            observation[rows] = 0
        return observation


class GaussianNoise(DisturbedObservations):
    """Independent normal noise of ``level`` times the spread on every entry, every time."""

    def disturb(self, observation: NDArray[np.float64]) -> NDArray[np.float64]:
        """Add the noise."""
        return observation + self.level * self.spread * self.rng.normal(size=observation.shape)


class SaltAndPepper(DisturbedObservations):
    """A share ``level`` of the pixels is black or of the largest value, every time others."""

    def disturb(self, observation: NDArray[np.float64]) -> NDArray[np.float64]:
        """Replace pixels."""
        hit = self.rng.random(observation.shape) < self.level
        observation[hit] = self.rng.choice(self.limits, size=int(hit.sum()))
        return observation


class DroppedInput(DisturbedObservations):
    """Entry number ``level`` of a vector is zero, as of a sensor that is dead."""

    def disturb(self, observation: NDArray[np.float64]) -> NDArray[np.float64]:
        """Set it to zero."""
        observation[int(self.level)] = 0
        return observation
