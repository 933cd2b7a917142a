"""The environment that a network learns in: its own copy, with reward and scaling of a run."""

from __future__ import annotations

import gymnasium
import numpy as np
from gymnasium import spaces

from dsqn_fast.environments import Environment, env_name, make_environment
from dsqn_fast.errors import EnvironmentMismatchError, OptionError
from dsqn_fast.training.dqn_settings import DqnSettings
from dsqn_fast.training.rewards import with_reward


def make_training_environment(env_id: str, settings: DqnSettings) -> Environment:
    """Make the environment that a Q network with ``settings`` learns in.

    Raises:
        UnknownEnvironmentError: No environment has that id.
        EnvironmentMismatchError: Its actions are not discrete, its observations are no vector,
            or the reward belongs to another environment.
        OptionError: ``observation_mean`` or ``observation_scale`` has the wrong length.
    """
    env = make_environment(env_id, import_modules=True)
    check_trainable(env)
    return with_scaling(with_reward(env, settings.reward), settings)


def check_trainable(env: Environment) -> None:
    """Refuse an environment that no discrete dense policy can play.

    Raises:
        EnvironmentMismatchError: The message names its spaces.
    """
    actions, observations = env.action_space, env.observation_space
    if not isinstance(actions, spaces.Discrete) or actions.start != 0:
        raise EnvironmentMismatchError(
            f"{env_name(env)} has the actions {actions}, but a Q network chooses among discrete "
            "actions counted from 0: choose an environment such as CartPole-v1"
        )
    if not isinstance(observations, spaces.Box) or len(observations.shape) != 1:
        raise EnvironmentMismatchError(
            f"{env_name(env)} has the observations {observations}, but vectors of numbers are "
            "needed here: choose an environment such as CartPole-v1"
        )


def scaling(settings: DqnSettings, n_inputs: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and scale of the observations, each (n_inputs,) float64.

    Raises:
        OptionError: One of them has another length.
    """
    parts = []
    for name, neutral in (("observation_mean", 0.0), ("observation_scale", 1.0)):
        given = getattr(settings, name)
        values = np.full(n_inputs, neutral) if given is None else np.array(given, np.float64)
        if values.shape != (n_inputs,):
            raise OptionError(
                f"{name} has {values.size} values, but observations have {n_inputs}: give "
                f"{n_inputs} numbers"
            )
        parts.append(values)
    return parts[0], parts[1]


def with_scaling(env: Environment, settings: DqnSettings) -> Environment:
    """The environment with observations (x - mean) / scale, where the settings have either."""
    space = env.observation_space
    assert isinstance(space, spaces.Box)
    mean, scale = scaling(settings, space.shape[0])
    if settings.observation_mean is None and settings.observation_scale is None:
        return env
    low, high = ((bound - mean) / scale for bound in (space.low, space.high))
    return gymnasium.wrappers.TransformObservation(
        env,
        lambda observation: ((observation - mean) / scale).astype(np.float32),
        spaces.Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32),
    )
