"""Named preprocessing of observations: the name is saved in the policy, the code is here."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any, Final

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from dsqn_fast.errors import EnvironmentMismatchError, OptionError


class AppendOne(gymnasium.ObservationWrapper[NDArray[Any], Any, NDArray[Any]]):
    """Append a constant 1 to a vector observation, (n,) -> (n + 1,), as the last entry.

    A network without biases reads its bias from that entry (Hahn, Deep Spiking Q Networks,
    2020, trains its spiking networks so).
    """

    def __init__(self, env: gymnasium.Env[NDArray[Any], Any]) -> None:
        super().__init__(env)
        space = env.observation_space
        if not isinstance(space, spaces.Box) or len(space.shape) != 1:
            raise EnvironmentMismatchError(
                "preprocessing 'append-one' needs vector observations of shape (n,), but the "
                f"environment has {space}: use it without preprocessing"
            )
        one = np.ones(1, dtype=space.dtype)
        self.observation_space = spaces.Box(
            np.concatenate([space.low, one]),
            np.concatenate([space.high, one]),
            dtype=space.dtype.type,
        )
        self._one = one

    def observation(self, observation: NDArray[Any]) -> NDArray[Any]:
        """The observation with 1 behind its last entry."""
        return np.concatenate([observation, self._one])


Environment = gymnasium.Env[Any, Any]

PREPROCESSINGS: Final[Mapping[str, Callable[..., Environment]]] = {"append-one": AppendOne}
"""Name -> wrapper; called with the environment and the options of the saved mapping."""


def apply_preprocessing(
    env: Environment, preprocessing: str | Mapping[str, Any] | None
) -> Environment:
    """Wrap an environment as a policy's metadata says.

    Args:
        env: The environment with its own observations.
        preprocessing: None, a name, or ``{"name": name, **options}`` as saved in a policy.

    Raises:
        OptionError: The name is unknown or the options are not its options.
        EnvironmentMismatchError: The environment's observations cannot be preprocessed so.
    """
    if preprocessing is None:
        return env
    saved = {"name": preprocessing} if isinstance(preprocessing, str) else dict(preprocessing)
    name = saved.pop("name", None)
    if not isinstance(name, str) or name not in PREPROCESSINGS:
        near = difflib.get_close_matches(str(name), PREPROCESSINGS, n=1, cutoff=0.0)
        raise OptionError(
            f"preprocessing must be one of {', '.join(PREPROCESSINGS)}, not {name!r}; "
            f"the nearest is {near[0]!r}"
        )
    if name == "append-one" and saved:
        raise OptionError(f"preprocessing 'append-one' takes no options, not {sorted(saved)}")
    return PREPROCESSINGS[name](env, **saved)
