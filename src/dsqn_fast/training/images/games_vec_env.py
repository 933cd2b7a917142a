"""Games side by side as Stable-Baselines3 takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env.base_vec_env import VecEnv

from dsqn_fast.training.images.games import Games, Images, Outcome


class GamesVecEnv(VecEnv):
    """Images have their channels first.

    Args:
        games: The games.
        n_envs: How many they are.
        clip_rewards: Give the signs of the rewards.

    Attributes:
        forced: (n,) whether the next action is not the agent's but ``games.force``.
        returns: Of all games that have ended.
    """

    def __init__(self, games: Games, n_envs: int, *, clip_rewards: bool) -> None:
        height, width, channels = games.shape
        space = spaces.Box(0, 255, (channels, height, width), np.uint8)
        super().__init__(n_envs, space, spaces.Discrete(games.n_actions))
        self.games = games
        self.forced = np.zeros(n_envs, bool)
        self.returns: list[float] = []
        self._clips, self._totals, self._seed = clip_rewards, np.zeros(n_envs), 0

    def begin(self, seed: int) -> None:
        """The next reset begins all games anew with ``seed``."""
        self._seed = seed

    def reset(self) -> NDArray[np.uint8]:
        """Begin all games."""
        self.forced[:], self._totals[:] = False, 0.0
        return self._turned(self.games.reset(self._seed))

    def step_async(self, actions: NDArray[Any]) -> None:
        """Note what is done next."""
        self._actions = np.asarray(actions, np.int64)

    def step_wait(self) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.bool_], Any]:
        """One decision in every game; the infos of games that are over are those of SB3."""
        outcome = self.games.step(self._actions)
        self.forced = outcome.forced
        self._totals += outcome.rewards
        self.returns += self._totals[outcome.over].tolist()
        self._totals[outcome.over] = 0.0
        rewards = np.sign(outcome.rewards) if self._clips else outcome.rewards
        return self._turned(outcome.images), rewards, outcome.ended.copy(), self._infos(outcome)

    def _infos(self, outcome: Outcome) -> list[dict[str, Any]]:
        final = self._turned(outcome.final) if outcome.over.any() else None
        infos: list[dict[str, Any]] = []
        for env, over in enumerate(outcome.over.tolist()):
            info: dict[str, Any] = {"over": over}
            if over and final is not None:
                info["terminal_observation"] = final[env]
                info["TimeLimit.truncated"] = bool(outcome.truncated[env])
            infos.append(info)
        return infos

    def _turned(self, images: Images) -> NDArray[np.uint8]:
        return np.ascontiguousarray(images.transpose(0, 3, 1, 2))

    def close(self) -> None:
        """Free the games."""
        self.games.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """They draw no pictures, and are no single environments that could have more."""
        if attr_name == "render_mode":
            return [None] * self.num_envs
        raise AttributeError(attr_name)

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """See `get_attr`."""
        raise AttributeError(attr_name)

    def env_method(
        self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any
    ) -> list[Any]:
        """See `get_attr`."""
        raise AttributeError(method_name)

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> Sequence[bool]:  # type: ignore[override]
        """Never."""
        return [False] * self.num_envs
