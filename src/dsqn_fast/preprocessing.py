"""Named preprocessing of observations: the name is saved in the policy, the code is here."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from dsqn_fast.atari_game import AtariGame, atari_options
from dsqn_fast.errors import EnvironmentMismatchError, OptionError
from dsqn_fast.frame_views import VIEWS


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


def _no_options(**_: Any) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """A named preprocessing.

    Attributes:
        wrap: Called with the environment and the saved options.
        options: Names of its options.
        make_with: Called with the saved options; arguments that the environment is made with.
        skips: One step is several of the environment's own, so that a limit on the steps of an
            episode has to be counted outside.
    """

    wrap: Callable[..., Environment]
    options: tuple[str, ...] = ()
    make_with: Callable[..., dict[str, Any]] = _no_options
    skips: bool = False


PREPROCESSINGS: Final[Mapping[str, Preprocessing]] = {
    "append-one": Preprocessing(wrap=AppendOne),
    **{
        name: Preprocessing(
            wrap=partial(AtariGame, view=name),
            options=("skip", "no_ops", "unit", "sticky"),
            make_with=atari_options,
            skips=True,
        )
        for name in VIEWS
    },
}
"""Name -> preprocessing, for the metadata ``{"name": name, **options}`` of a policy."""


def chosen_preprocessing(
    preprocessing: str | Mapping[str, Any] | None,
) -> tuple[Preprocessing | None, dict[str, Any]]:
    """The preprocessing that a policy's metadata names, and its options.

    Args:
        preprocessing: None, a name, or ``{"name": name, **options}`` as saved in a policy.

    Raises:
        OptionError: The name is unknown or the options are not its options.
    """
    if preprocessing is None:
        return None, {}
    saved = {"name": preprocessing} if isinstance(preprocessing, str) else dict(preprocessing)
    name = saved.pop("name", None)
    if not isinstance(name, str) or name not in PREPROCESSINGS:
        near = difflib.get_close_matches(str(name), PREPROCESSINGS, n=1, cutoff=0.0)
        raise OptionError(
            f"preprocessing must be one of {', '.join(PREPROCESSINGS)}, not {name!r}; "
            f"the nearest is {near[0]!r}"
        )
    known = PREPROCESSINGS[name].options
    if unknown := sorted(map(str, set(saved) - set(known))):
        takes = f"only {', '.join(known)}" if known else "no options"
        raise OptionError(f"preprocessing {name!r} takes {takes}, not {unknown}")
    return PREPROCESSINGS[name], saved


def apply_preprocessing(
    env: Environment, preprocessing: str | Mapping[str, Any] | None
) -> Environment:
    """Wrap an environment as a policy's metadata says.

    Args:
        env: The environment with its own observations.
        preprocessing: As of `chosen_preprocessing`.

    Raises:
        OptionError: The name is unknown or the options are not its options.
        EnvironmentMismatchError: The environment's observations cannot be preprocessed so.
    """
    chosen, options = chosen_preprocessing(preprocessing)
    return env if chosen is None else chosen.wrap(env, **options)
