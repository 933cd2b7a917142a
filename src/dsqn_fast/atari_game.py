"""A game of the Arcade Learning Environment as policies play it: frames skipped and viewed."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from dsqn_fast.errors import EnvironmentMismatchError, OptionError
from dsqn_fast.frame_views import ATARI_FRAME, VIEWS

_NO_OP, _FIRE = 0, 1
_FRAMES_PER_SECOND = 60.0
"""Of the console, in the countries of NTSC television."""


def atari_options(*, sticky: float = 0.0, **_: Any) -> dict[str, Any]:
    """Arguments that a game is made with, so that `AtariGame` sees every grey frame.

    Args:
        sticky: Probability that the console repeats the action of the frame before.

    Raises:
        OptionError: ``sticky`` is no probability.
    """
    if isinstance(sticky, bool) or not isinstance(sticky, int | float) or not 0 <= sticky < 1:
        raise OptionError(f"sticky must be a probability below 1, not {sticky!r}")
    return {"obs_type": "grayscale", "frameskip": 1, "repeat_action_probability": float(sticky)}


class AtariGame(gymnasium.Wrapper[NDArray[Any], int, NDArray[Any], int]):
    """Skip frames, start with no-ops, press FIRE where a game waits for it, view the frames.

    A game begins with up to ``no_ops`` frames without action, their number drawn from the seed
    of `reset`, then one frame of FIRE. After a lost life FIRE is pressed for one more decision,
    whose reward counts. Games whose second action is not FIRE are left alone. A game ends when
    its last life is lost.

    Args:
        env: A game made with `atari_options`.
        view: Name of what is seen, see `VIEWS`.
        skip: Frames that an action lasts.
        no_ops: Most frames without action at the start.
        unit: Observations as float32 from 0 to 1 instead of the view's own numbers.
        sticky: As of `atari_options`, which applies it.

    Raises:
        OptionError: An argument is out of range.
        EnvironmentMismatchError: The environment shows no grey frames of the Atari 2600.
    """

    def __init__(
        self,
        env: gymnasium.Env[NDArray[Any], int],
        *,
        view: str,
        skip: int = 4,
        no_ops: int = 30,
        unit: bool = False,
        sticky: float = 0.0,
    ) -> None:
        super().__init__(env)
        _check_options(skip, no_ops, unit)
        found = env.observation_space.shape
        if found != ATARI_FRAME or not hasattr(env.unwrapped, "get_action_meanings"):
            raise EnvironmentMismatchError(
                f"preprocessing {view!r} needs an Atari game with grey frames of shape "
                f"{ATARI_FRAME}, but the environment has observations of shape {found}: play an "
                "ALE/ environment, or choose another preprocessing"
            )
        self.view = VIEWS[view]
        self.skip, self.no_ops, self.unit = skip, no_ops, unit
        self._fires = env.unwrapped.get_action_meanings()[_FIRE : _FIRE + 1] == ["FIRE"]
        self._rng = np.random.default_rng()
        # Without sticky actions the console draws nothing; seeding it loads the game anew.
        self._seeds_console = sticky > 0
        self._lives = 0
        self._pictures = np.zeros((self.view.frames, *self.view.picture), np.uint8)
        high, dtype = (1.0, np.float32) if unit else (self.view.largest, self.view.dtype)
        self.observation_space = spaces.Box(0, high, self.view.shape, dtype)

    @property
    def decisions_per_second(self) -> float:
        """Decisions in a second of real time."""
        return _FRAMES_PER_SECOND / self.skip

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Begin a game; see the class."""
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        console_seed = seed if self._seeds_console else None
        frame, info = self.env.reset(seed=console_seed, options=options)
        starts = [_NO_OP] * int(self._rng.integers(self.no_ops + 1)) + [_FIRE] * self._fires
        before = frame
        for action in starts:
            before = frame
            frame, _, terminated, truncated, info = self.env.step(action)
            if terminated or truncated:
                frame, info = self.env.reset(options=options)
        self._lives = info.get("lives", 0)
        self._pictures[:] = 0
        self._remember(frame, before)
        return self._observation(), info

    def step(self, action: int) -> tuple[NDArray[Any], float, bool, bool, dict[str, Any]]:
        """Act for ``skip`` frames, and press FIRE after a lost life."""
        reward, terminated, truncated, info = self._act(action)
        lost = info.get("lives", 0) < self._lives
        self._lives = info.get("lives", 0)
        if lost and self._fires and not (terminated or truncated):
            more, terminated, truncated, info = self._act(_FIRE)
            reward += more
            self._lives = info.get("lives", 0)
        return self._observation(), reward, terminated, truncated, info

    def _act(self, action: int) -> tuple[float, bool, bool, dict[str, Any]]:
        total, before, frame = 0.0, None, None
        terminated = truncated = False
        info: dict[str, Any] = {}
        for _ in range(self.skip):
            before = frame
            frame, reward, terminated, truncated, info = self.env.step(action)
            total += float(reward)
            if terminated or truncated:
                break
        assert frame is not None
        self._remember(frame, frame if before is None else before)
        return total, terminated, truncated, info

    def _remember(self, frame: NDArray[Any], before: NDArray[Any]) -> None:
        seen = np.maximum(frame, before) if self.view.flicker else frame
        self._pictures[:-1] = self._pictures[1:]
        self._pictures[-1] = self.view.shrink(seen)

    def _observation(self) -> NDArray[Any]:
        observation = self.view.combine(self._pictures)
        if self.unit:
            return observation.astype(np.float32) / np.float32(self.view.largest)
        return observation


def _check_options(skip: int, no_ops: int, unit: bool) -> None:
    for name, value, lowest in (("skip", skip, 1), ("no_ops", no_ops, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= 10_000:
            raise OptionError(f"{name} must be an integer from {lowest} to 10000, not {value!r}")
    if not isinstance(unit, bool):
        raise OptionError(f"unit must be true or false, not {unit!r}")
