"""An environment whose present moment can be written down and found again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium

from dsqn_fast.environments import Environment
from dsqn_fast.errors import TrainingError


class ReplayableEnvironment(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Remembers the seed or random state of the last reset, and the actions since.

    Playing them again leads to the same moment in every environment that draws its random
    numbers from Gymnasium's ``np_random``, whatever else it keeps inside.

    Args:
        env: The environment.
    """

    def __init__(self, env: Environment) -> None:
        super().__init__(env)
        self._seed: int | None = None
        self._random_state: Mapping[str, Any] | None = None
        self._actions: list[int] = []

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Gymnasium's reset."""
        self._seed, self._actions = seed, []
        self._random_state = self.env.unwrapped.np_random.bit_generator.state
        return self.env.reset(seed=seed, options=options)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Gymnasium's step."""
        self._actions.append(int(action))
        return self.env.step(action)

    def moment(self) -> dict[str, Any]:
        """Everything needed to come back to this moment: integers, text and lists of them."""
        return {
            "seed": self._seed,
            "random_state": self._random_state,
            "actions": list(self._actions),
        }

    def come_back(self, moment: Mapping[str, Any]) -> Any:
        """Play a noted moment again; returns the observation there.

        Raises:
            TrainingError: The moment is not one of this environment.
        """
        try:
            self.env.unwrapped.np_random.bit_generator.state = moment["random_state"]
            observation, _ = self.reset(seed=moment["seed"])
            for action in moment["actions"]:
                observation, *_ = self.step(action)
        except (KeyError, TypeError, ValueError, AssertionError) as error:
            raise TrainingError(
                f"a checkpoint holds a moment that the environment does not have ({error}): "
                "start the run anew in another folder"
            ) from None
        return observation
