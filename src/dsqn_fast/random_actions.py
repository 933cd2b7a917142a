"""Some actions drawn at random, so that a deterministic game takes another course each time."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from dsqn_fast.errors import EnvironmentMismatchError, OptionError


class RandomActions(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Replace each action with probability ``epsilon`` by one drawn uniformly.

    The draws are keyed by the seed of `reset`: whoever plays, the same steps of an episode are
    random ones and bring the same actions (Mnih et al. 2015 evaluate so, with 0.05).

    Args:
        env: An environment with discrete actions.
        epsilon: The probability, 0 to 1.

    Raises:
        OptionError: ``epsilon`` is no probability.
        EnvironmentMismatchError: The actions are not discrete.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], epsilon: float) -> None:
        super().__init__(env)
        self.epsilon = check_epsilon(epsilon)
        if not isinstance(env.action_space, spaces.Discrete):
            raise EnvironmentMismatchError(
                f"random actions need discrete ones, but the environment has {env.action_space}: "
                "set epsilon to 0"
            )
        self._actions = env.action_space
        self._rng = np.random.default_rng()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; its seed is that of the draws too."""
        if seed is not None:
            self._rng = np.random.default_rng((seed, 0xE95))
        return self.env.reset(seed=seed, options=options)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Act as told, or at random."""
        chance, drawn = self._rng.random(), self._rng.integers(self._actions.n)
        if chance < self.epsilon:
            action = int(self._actions.start + drawn)
        return self.env.step(action)


def check_epsilon(epsilon: object) -> float:
    """Return a probability as a float.

    Raises:
        OptionError: It is none.
    """
    number = isinstance(epsilon, int | float | np.number) and not isinstance(epsilon, bool)
    if not number or not 0 <= epsilon <= 1:  # type: ignore[operator]
        raise OptionError(f"epsilon must be a probability from 0 to 1, not {epsilon!r}")
    return float(epsilon)  # type: ignore[arg-type]
