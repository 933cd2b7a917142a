"""Environments of the unmaintained `gym` package, seen as Gymnasium environments."""

from __future__ import annotations

import inspect
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from dsqn_fast.errors import EnvironmentMismatchError


def adapt_environment(env: object) -> gymnasium.Env[Any, Any]:
    """Return ``env`` itself if it is a Gymnasium environment, else an adapter around it.

    Args:
        env: A `gymnasium.Env`, or an object with the API of `gym`: ``reset``, ``step``,
            ``observation_space``, ``action_space`` and a way to be seeded.

    Raises:
        EnvironmentMismatchError: It is neither; the message names what is missing.
    """
    if isinstance(env, gymnasium.Env):
        return env
    wanted = ("reset", "step", "observation_space", "action_space")
    missing = [name for name in wanted if not hasattr(env, name)]
    if missing:
        raise EnvironmentMismatchError(
            f"an environment needs {', '.join(wanted)}, but {type(env).__name__} has no "
            f"{', '.join(missing)}: pass a gymnasium.Env or an environment id"
        )
    return OldGymEnvironment(env)


class OldGymEnvironment(gymnasium.Env[Any, Any]):
    """Adapter: ``reset() -> observation`` and four values per step become Gymnasium's API.

    The API of gym 0.26 (five values per step) passes through; the time limit that older ones
    report as ``info["TimeLimit.truncated"]`` becomes ``truncated``.
    """

    def __init__(self, env: Any) -> None:
        self._env = env
        self.observation_space = _convert_space(env.observation_space)
        self.action_space = _convert_space(env.action_space)
        # What evaluations and messages call it.
        self.spec = getattr(env, "spec", None)
        self._reset_takes_seed = _reset_takes_seed(env)
        if not self._reset_takes_seed and not callable(getattr(env, "seed", None)):
            raise EnvironmentMismatchError(
                f"an environment needs reset(seed=...) or seed(...), but {type(env).__name__} "
                "has neither, so that its episodes could not be repeated: add one of them"
            )

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start an episode; ``options`` are unknown to the old API and not passed on."""
        if self._reset_takes_seed:
            start = self._env.reset(seed=seed)
        else:
            if seed is not None:
                self._env.seed(seed)
            start = self._env.reset()
        if isinstance(start, tuple) and len(start) == 2 and isinstance(start[1], dict):
            return start[0], start[1]
        return start, {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Observation, reward, terminated, truncated, info of one step."""
        values = self._env.step(action)
        if len(values) == 5:
            return values  # type: ignore[no-any-return]
        observation, reward, done, info = values
        truncated = bool(info.get("TimeLimit.truncated", False))
        return observation, float(reward), bool(done) and not truncated, truncated, info

    def close(self) -> None:
        """Close the wrapped environment where it can be closed."""
        if hasattr(self._env, "close"):
            self._env.close()


def _reset_takes_seed(env: Any) -> bool:
    """Whether ``reset`` has an argument ``seed``, also below wrappers that pass arguments on."""
    while True:
        parameters = inspect.signature(env.reset).parameters
        if "seed" in parameters:
            return True
        passes_on = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
        if not passes_on or not hasattr(env, "env"):
            return False
        env = env.env


def _convert_space(space: Any) -> spaces.Space[Any]:
    """The Gymnasium space that equals one of gym."""
    if isinstance(space, spaces.Space):
        return space
    if hasattr(space, "n"):
        return spaces.Discrete(int(space.n), start=int(getattr(space, "start", 0)))
    if hasattr(space, "low") and hasattr(space, "high"):
        dtype = np.dtype(space.dtype).type
        return spaces.Box(np.asarray(space.low, dtype), np.asarray(space.high, dtype), dtype=dtype)
    raise EnvironmentMismatchError(
        f"a space must be a Box or Discrete, but the environment has {space!r}: "
        "wrap it so that it has one of them"
    )
