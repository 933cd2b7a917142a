"""A replay memory that keeps every frame once: an eighth of the bytes of stacks and their next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.buffers import BaseBuffer
from stable_baselines3.common.type_aliases import ReplayBufferSamples

from dsqn_fast.errors import OptionError

_ARRAYS: Final = ("frames", "actions", "rewards", "dones", "valid")


class FrameMemory(BaseBuffer):
    """Rings of frames, one for each game.

    A state is a frame and the ones before it; the state after it is one frame on. Where a game
    begins, all frames of its first state are written. A frame is ``valid`` while it and those
    before it make a state whose action, reward and next frame are there too.

    Args:
        buffer_size: Frames of all games together.
        observation_space: (channels, height, width) of bytes.
        action_space: Discrete.
        device: Where batches go.
        n_envs: Games side by side.
        optimize_memory_usage: Of Stable-Baselines3; without meaning here.

    Attributes:
        used: Frames of a ring that have been written.

    Raises:
        OptionError: ``buffer_size`` is too small for a few states of every game.
    """

    def __init__(
        self,
        buffer_size: int,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        device: torch.device | str = "auto",
        n_envs: int = 1,
        optimize_memory_usage: bool = False,
    ) -> None:
        super().__init__(buffer_size, observation_space, action_space, device, n_envs)
        assert observation_space.shape is not None
        self.channels, height, width = observation_space.shape
        self.length = buffer_size // n_envs
        if self.length < 4 * self.channels:
            raise OptionError(
                f"buffer_size must be at least {4 * self.channels * n_envs} for {n_envs} games of "
                f"{self.channels} frames, not {buffer_size}"
            )
        shape = (n_envs, self.length)
        self.frames = np.zeros((*shape, height, width), np.uint8)
        self.actions = np.zeros(shape, np.int64)
        self.rewards = np.zeros(shape, np.float32)
        self.dones = np.zeros(shape, bool)
        self.valid = np.zeros(shape, bool)
        self.position = np.zeros(n_envs, np.int64)
        self.used = 0
        self.begin(0)

    def begin(self, seed: int) -> None:
        """All games begin anew; batches are drawn with ``seed`` from now on."""
        self._fresh = np.ones(self.n_envs, bool)
        self._rng = np.random.default_rng(seed)

    def add(
        self,
        obs: NDArray[np.uint8],
        next_obs: NDArray[np.uint8],
        action: NDArray[np.int64],
        reward: NDArray[np.float32],
        done: NDArray[np.bool_],
        infos: Sequence[Mapping[str, Any]],
    ) -> None:
        """Remember a decision of every game; ``over`` in its info tells that another one began.

        Where ``TimeLimit.truncated`` says that nothing was lost then, the return goes on: the
        last state of the game is remembered as what follows, and ``done`` is not.

        Args:
            obs: (n, channels, height, width), the newest frame last.
            next_obs: Likewise; of a game that is over its last state.
            action: (n,) or (n, 1).
            reward: (n,).
            done: (n,) what ends the return of a state.
            infos: One for each game.
        """
        for env in range(self.n_envs):
            if self._fresh[env]:
                for frame in obs[env]:
                    self._push(env, frame)
            here = (self.position[env] - 1) % self.length
            self.actions[env, here] = int(action[env].item())
            late = bool(infos[env].get("TimeLimit.truncated", False))
            self.rewards[env, here], self.dones[env, here] = reward[env], done[env] and not late
            self._fresh[env] = bool(infos[env].get("over", False))
            if late or not self._fresh[env]:
                self._push(env, next_obs[env, -1])
            self.valid[env, here] = True

    def _push(self, env: int, frame: NDArray[np.uint8]) -> None:
        position = int(self.position[env])
        self.frames[env, position] = frame
        # States that this frame was the oldest of have lost it.
        self.valid[env, (position + np.arange(self.channels)) % self.length] = False
        self.position[env] = (position + 1) % self.length
        self.used = max(self.used, position + 1)

    def size(self) -> int:
        """States that can be drawn."""
        return int(self.valid.sum())

    def sample(self, batch_size: int, env: Any = None) -> ReplayBufferSamples:
        """Draw states with equal probability, with replacement."""
        games, places = np.zeros((2, 0), np.int64)
        while len(games) < batch_size:
            game = self._rng.integers(self.n_envs, size=2 * batch_size)
            place = self._rng.integers(self.length, size=2 * batch_size)
            found = self.valid[game, place]
            games = np.concatenate([games, game[found]])
            places = np.concatenate([places, place[found]])
        return self._samples(games[:batch_size], places[:batch_size])

    def _samples(self, games: NDArray[np.int64], places: NDArray[np.int64]) -> ReplayBufferSamples:
        steps = np.arange(1 - self.channels, 2)
        frames = self.frames[games[:, None], (places[:, None] + steps) % self.length]
        return ReplayBufferSamples(
            observations=self.to_torch(frames[:, :-1]),
            actions=self.to_torch(self.actions[games, places, None]),
            next_observations=self.to_torch(frames[:, 1:]),
            dones=self.to_torch(self.dones[games, places, None].astype(np.float32)),
            rewards=self.to_torch(self.rewards[games, places, None]),
        )

    def _get_samples(self, batch_inds: NDArray[Any], env: Any = None) -> ReplayBufferSamples:
        return self._samples(*np.divmod(batch_inds, self.length))

    def state(self) -> dict[str, Any]:
        """Everything remembered: views, one for each game, whose bytes lie together."""
        views: dict[str, Any] = {
            name: [torch.from_numpy(ring[: self.used]) for ring in getattr(self, name)]
            for name in _ARRAYS
        }
        return {**views, "position": torch.from_numpy(self.position)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Come back to a noted state; raises ValueError if it is of another memory."""
        self.used = int(state["frames"][0].shape[0])
        self.position[:] = state["position"].numpy()
        for name in _ARRAYS:
            for ring, noted in zip(getattr(self, name), state[name], strict=True):
                ring[: self.used] = noted.numpy()
