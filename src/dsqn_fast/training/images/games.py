"""Games played side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from dsqn_fast.environments import Environment, make_environment
from dsqn_fast.errors import EnvironmentMismatchError

Images = NDArray[np.uint8]


@dataclass(frozen=True)
class Outcome:
    """What one decision of every game led to; all arrays are (n_envs,).

    Attributes:
        images: (n_envs, height, width, channels) uint8 that the next decisions see.
        rewards: The games' own, float32.
        ended: Whether a life or the game was lost, or a time limit ended it.
        over: Whether the game is over and another one has begun.
        forced: Whether the next action is not the policy's but `force`.
        truncated: Whether a time limit ended the game, though nothing was lost.
        final: Images as ``images``: the last ones of games that are over; anything elsewhere.
    """

    images: Images
    rewards: NDArray[np.float32]
    ended: NDArray[np.bool_]
    over: NDArray[np.bool_]
    forced: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    final: Images


class Games(Protocol):
    """Games of one kind side by side, begun anew when they end."""

    shape: tuple[int, int, int]
    largest: float
    n_actions: int
    force: int

    def reset(self, seed: int) -> Images:
        """Begin all games anew."""

    def step(self, actions: NDArray[np.int64]) -> Outcome:
        """One decision in every game."""

    def close(self) -> None:
        """Free them."""


class AtariGames:
    """ale-py's own vector environment, which prepares frames as `mnih` does.

    Args:
        env_id: ``"ALE/Name-v5"``.
        n_envs: Number of games.
        lives: Tell of lost lives; FIRE is forced after each, where the game waits for it.
        max_frames: Time limit of a game.
    """

    largest = 255.0
    force = 1

    def __init__(self, env_id: str, n_envs: int, *, lives: bool, max_frames: int = 108_000) -> None:
        from ale_py.vector_env import AtariVectorEnv

        probe = make_environment(env_id, preprocessing="mnih")
        spec, unwrapped = probe.spec, probe.unwrapped
        assert spec is not None
        assert isinstance(probe.action_space, spaces.Discrete)
        self.n_actions = int(probe.action_space.n)
        self._fires = unwrapped.get_action_meanings()[1:2] == ["FIRE"]  # type: ignore[attr-defined]
        probe.close()
        self._env = AtariVectorEnv(
            spec.kwargs["game"],
            n_envs,
            num_threads=1,
            max_num_frames_per_episode=max_frames,
            noop_max=30,
            repeat_action_probability=0.0,
            life_loss_info=lives,
            reward_clipping=False,
            autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP,
        )
        space = self._env.single_observation_space
        assert isinstance(space, spaces.Box)
        channels, height, width = space.shape
        self.shape = (height, width, channels)
        self._frame = np.zeros(n_envs, np.int32)

    def reset(self, seed: int) -> Images:  # noqa: D102  # as of Games
        images, info = self._env.reset(seed=seed)
        self._frame = info["episode_frame_number"].copy()
        return _channels_last(images)

    def step(self, actions: NDArray[np.int64]) -> Outcome:  # noqa: D102  # as of Games
        images, rewards, terminated, truncated, info = self._env.step(actions)
        ended = terminated | truncated
        over = info["episode_frame_number"] < self._frame
        self._frame = info["episode_frame_number"].copy()
        seen = _channels_last(images)
        return Outcome(
            images=seen,
            rewards=rewards.astype(np.float32),
            ended=ended,
            over=over,
            forced=ended & ~over & self._fires,
            truncated=truncated & ~terminated,
            final=_channels_last(info["final_obs"]) if over.any() else seen,
        )

    def close(self) -> None:  # noqa: D102  # as of Games
        self._env.close()


class GymnasiumGames:
    """Any Gymnasium environment with images of bytes, one after the other.

    Args:
        env_id: Its id.
        n_envs: Number of games.
        preprocessing: As of `make_environment`.

    Raises:
        EnvironmentMismatchError: Observations are no images, or actions are not discrete.
    """

    force = 0

    def __init__(
        self, env_id: str, n_envs: int, preprocessing: str | Mapping[str, Any] | None
    ) -> None:
        self._envs: list[Environment] = [
            make_environment(env_id, preprocessing=preprocessing, import_modules=True)
            for _ in range(n_envs)
        ]
        space, actions = self._envs[0].observation_space, self._envs[0].action_space
        image = isinstance(space, spaces.Box) and len(space.shape) == 3
        if not image or space.dtype != np.uint8 or not isinstance(actions, spaces.Discrete):
            raise EnvironmentMismatchError(
                f"training on images needs images of bytes and discrete actions, but {env_id} "
                f"has {space} and {actions}: choose a preprocessing such as mnih"
            )
        assert isinstance(space, spaces.Box)
        # Atari's views have their channels first, Gymnasium's own images have them last.
        self._first = space.shape[0] < space.shape[2]
        a, b, c = space.shape
        self.shape = (b, c, a) if self._first else (a, b, c)
        self.largest = float(space.high.max())
        self.n_actions = int(actions.n)

    def reset(self, seed: int) -> Images:  # noqa: D102  # as of Games
        seeds = np.random.SeedSequence(seed).generate_state(len(self._envs))
        started = [env.reset(seed=int(one)) for env, one in zip(self._envs, seeds, strict=True)]
        return self._images([image for image, _ in started])

    def step(self, actions: NDArray[np.int64]) -> Outcome:  # noqa: D102  # as of Games
        images, final, rewards, terminated, truncated = [], [], [], [], []
        for env, action in zip(self._envs, actions.tolist(), strict=True):
            image, reward, lost, late, _ = env.step(action)
            rewards.append(float(reward))
            terminated.append(bool(lost))
            truncated.append(bool(late and not lost))
            final.append(image)
            images.append(env.reset()[0] if lost or late else image)
        over = np.array(terminated) | np.array(truncated)
        return Outcome(
            images=self._images(images),
            rewards=np.array(rewards, np.float32),
            ended=over,
            over=over,
            forced=np.zeros(len(over), bool),
            truncated=np.array(truncated),
            final=self._images(final),
        )

    def close(self) -> None:  # noqa: D102  # as of Games
        for env in self._envs:
            env.close()

    def _images(self, images: list[Any]) -> Images:
        stacked = np.stack(images)
        return _channels_last(stacked) if self._first else stacked


def make_games(env_id: str, n_envs: int, *, lives: bool) -> Games:
    """Games side by side: by ale-py's vector environment where it has them.

    Raises:
        As `make_environment`; EnvironmentMismatchError if the environment shows no images.
    """
    if env_id.startswith("ALE/"):
        return AtariGames(env_id, n_envs, lives=lives)
    return GymnasiumGames(env_id, n_envs, None)


def _channels_last(images: NDArray[Any]) -> Images:
    return np.ascontiguousarray(images.transpose(0, 2, 3, 1))
