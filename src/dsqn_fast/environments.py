"""Gymnasium environments by name, checked against the policy that is to play them."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
from collections.abc import Mapping
from typing import Any, Protocol

import gymnasium
from gymnasium import spaces

from dsqn_fast.errors import (
    EnvironmentMismatchError,
    MissingExtraError,
    OptionError,
    UnknownEnvironmentError,
)
from dsqn_fast.model.layers import Shape
from dsqn_fast.model.observations import observation_shape
from dsqn_fast.model.options import check_n_steps
from dsqn_fast.preprocessing import apply_preprocessing, chosen_preprocessing

Environment = gymnasium.Env[Any, Any]


class PolicyShape(Protocol):
    """What is needed of a network to know whether an environment fits it."""

    @property
    def input_shape(self) -> Shape:
        """(n,) or (height, width, channels)."""

    @property
    def channels_first(self) -> bool:
        """Whether observations arrive as (channels, height, width)."""

    @property
    def n_outputs(self) -> int:
        """Number of actions."""


def make_environment(
    env_id: str,
    *,
    preprocessing: str | Mapping[str, Any] | None = None,
    max_episode_steps: int | None = None,
    import_modules: bool = False,
    pictures: bool = False,
) -> Environment:
    """Make a registered Gymnasium environment with the policy's preprocessing.

    Args:
        env_id: Exact id with its version, such as ``"CartPole-v1"``.
        preprocessing: As in the policy's metadata; see `apply_preprocessing`.
        max_episode_steps: Another step limit than the registered one, in decisions.
        import_modules: Allow ids of the form ``"module:Name-v0"``, which import that module.
            Ids from files are not trusted so far; set it for an id that the user typed.
        pictures: Let ``render()`` give pictures of it.

    Raises:
        UnknownEnvironmentError: No such id is registered; the message names the nearest one.
        MissingExtraError: The environment needs a package that is not installed.
        OptionError: An argument is out of range or the preprocessing is unknown.
        EnvironmentMismatchError: The preprocessing does not fit the environment.
    """
    if not isinstance(env_id, str):
        raise OptionError(f"an environment id must be a string, not {env_id!r}")
    if max_episode_steps is not None:
        check_n_steps(max_episode_steps, "max_episode_steps")
    _check_registered(env_id, import_modules)
    chosen, options = chosen_preprocessing(preprocessing)
    arguments = {} if chosen is None else chosen.make_with(**options)
    if pictures:
        _check_pictures(env_id)
        arguments = {**arguments, "render_mode": "rgb_array"}
    if chosen is not None and chosen.skips:
        limited = apply_preprocessing(_make(env_id, None, arguments), preprocessing)
        if max_episode_steps is not None:
            limited = gymnasium.wrappers.TimeLimit(limited, max_episode_steps)
        return limited
    return apply_preprocessing(_make(env_id, max_episode_steps, arguments), preprocessing)


def _make(env_id: str, max_episode_steps: int | None, arguments: Mapping[str, Any]) -> Environment:
    try:
        # The passive checker costs as much as a step of CartPole and checks the environment's
        # author; what a policy needs is checked by check_fits.
        return gymnasium.make(
            env_id, max_episode_steps=max_episode_steps, disable_env_checker=True, **arguments
        )
    except (ImportError, gymnasium.error.DependencyNotInstalled) as error:
        reason = " ".join(str(error).split())
        raise MissingExtraError(
            f"environment {env_id!r} needs a package that is not installed: {reason}"
        ) from error
    except OSError as error:
        reason = " ".join(str(error).split())
        raise MissingExtraError(
            f"the game of {env_id!r} cannot be read ({reason}): install ale-py again, which brings "
            "the games, and unset ALE_ROMS_DIR"
        ) from error
    except TypeError as error:
        if not arguments:
            raise
        raise EnvironmentMismatchError(
            f"the preprocessing needs an Atari game, but {env_id!r} takes none of "
            f"{', '.join(arguments)}: choose another environment or its preprocessing"
        ) from error


def _check_pictures(env_id: str) -> None:
    spec = gymnasium.spec(env_id.rpartition(":")[2])
    creator = spec.entry_point
    kind = (
        gymnasium.envs.registration.load_env_creator(creator)
        if isinstance(creator, str)
        else creator
    )
    modes = getattr(kind, "metadata", {}).get("render_modes", ["rgb_array"])
    if "rgb_array" not in modes:
        raise EnvironmentMismatchError(
            f"environment {env_id!r} draws {modes or 'nothing'}, not pictures (rgb_array): choose "
            "another one"
        )


def check_fits(env: Environment, network: PolicyShape) -> None:
    """Check that a network can play an environment.

    Args:
        env: The environment, with its preprocessing.
        network: An AnnModel or SpikingModel.

    Raises:
        EnvironmentMismatchError: Observations or actions do not fit; both values are named.
    """
    name = env_name(env)
    observations = env.observation_space
    wanted = observation_shape(network)
    # Images may arrive either way round: agents put the channels where the network has them.
    if not isinstance(observations, spaces.Box) or observations.shape not in (
        wanted,
        tuple(network.input_shape),
    ):
        raise EnvironmentMismatchError(
            f"the policy takes observations of shape {wanted}, but {name} has "
            f"{_describe(observations)}: choose another environment or its preprocessing"
        )
    actions = env.action_space
    if not isinstance(actions, spaces.Discrete) or (actions.n, actions.start) != (
        network.n_outputs,
        0,
    ):
        raise EnvironmentMismatchError(
            f"the policy chooses one of {network.n_outputs} discrete actions, but {name} has "
            f"{_describe(actions)}: choose another environment"
        )


def env_name(env: Environment) -> str:
    """Id of an environment, or the name of its class where it was not made by id."""
    return env.spec.id if env.spec is not None else type(env.unwrapped).__name__


def _describe(space: spaces.Space[Any]) -> str:
    if isinstance(space, spaces.Box):
        return f"a continuous space of shape {space.shape}"
    if isinstance(space, spaces.Discrete):
        start = f" starting at {space.start}" if space.start else ""
        return f"{space.n} discrete values{start}"
    return f"the space {space}"


def _check_registered(env_id: str, import_modules: bool) -> None:
    module, colon, name = env_id.rpartition(":")
    if colon:
        _import_environments(env_id, module, import_modules)
    if name.startswith("ALE/") or name.endswith(("NoFrameskip-v4", "Deterministic-v4")):
        _prepare_atari(env_id)
    if name in gymnasium.registry:
        return
    raise UnknownEnvironmentError(
        f"no environment {name!r} is registered; the nearest is {_nearest_id(name)!r}"
    )


def _prepare_atari(env_id: str) -> None:
    if importlib.util.find_spec("ale_py") is None:
        raise MissingExtraError(
            f"environment {env_id!r} needs ale-py, which is not installed: "
            'pip install "dsqn-fast[atari]"'
        )
    ale_py = importlib.import_module("ale_py")
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)  # no greeting on stderr
    gymnasium.register_envs(ale_py)


def _import_environments(env_id: str, module: str, allowed: bool) -> None:
    if not allowed:
        raise UnknownEnvironmentError(
            f"environment id {env_id!r} would import the module {module!r}, which is not done "
            "for ids from a file: import it yourself and pass the environment"
        )
    try:
        importlib.import_module(module)
    except (ImportError, TypeError, ValueError) as error:  # the last two: not a module's name
        reason = " ".join(str(error).split())
        raise UnknownEnvironmentError(
            f"environment id {env_id!r} names the module {module!r}, which cannot be imported: "
            f"{reason}"
        ) from error


def _nearest_id(name: str) -> str:
    """The registered id most like ``name``; of several versions the newest."""
    bases = {spec.id.rpartition("-v")[0] or spec.id for spec in gymnasium.registry.values()}
    wanted = name.rpartition("-v")[0] or name
    folded = {base.lower(): base for base in sorted(bases)}
    near = folded[difflib.get_close_matches(wanted.lower(), folded, n=1, cutoff=0.0)[0]]
    versions = [spec for spec in gymnasium.registry.values() if spec.id.startswith(f"{near}-v")]
    newest = max(versions, key=lambda spec: spec.version or 0, default=None)
    return newest.id if newest is not None else near
