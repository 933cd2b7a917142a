"""The environment that a network learns in: its own copy, with reward and scaling of a run."""

from __future__ import annotations

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from dsqn_fast.environments import Environment, env_name, make_environment
from dsqn_fast.errors import EnvironmentMismatchError, OptionError
from dsqn_fast.training.actor_settings import ActorSettings
from dsqn_fast.training.classifier_settings import ClassifierSettings
from dsqn_fast.training.input_scaling import InputScaling
from dsqn_fast.training.presets import AnySettings
from dsqn_fast.training.replayable_environment import ReplayableEnvironment
from dsqn_fast.training.rewards import with_reward
from dsqn_fast.training.settings import TrainingSettings


def make_training_environment(env_id: str, settings: AnySettings) -> Environment:
    """Make the environment that a network with ``settings`` learns in.

    Raises:
        UnknownEnvironmentError: No environment has that id.
        EnvironmentMismatchError: Its actions are not discrete, its observations are no vector,
            or the reward belongs to another environment.
        OptionError: ``observation_mean`` or ``observation_scale`` has the wrong length.
    """
    from stable_baselines3.common.monitor import Monitor

    env = make_environment(env_id, import_modules=True)
    check_trainable(env)
    if isinstance(settings, ClassifierSettings):
        return env
    scaled = with_scaling(with_reward(env, settings.reward), settings)
    # Stable-Baselines3 would put its monitor outside, where a moment does not reach.
    return ReplayableEnvironment(Monitor(scaled))


def make_training_environments(env_id: str, settings: AnySettings) -> list[Environment]:
    """As many of them as the method plays in side by side; see `make_training_environment`."""
    count = settings.n_envs if isinstance(settings, ActorSettings) else 1
    return [make_training_environment(env_id, settings) for _ in range(count)]


def check_trainable(env: Environment) -> None:
    """Refuse an environment that no discrete dense policy can play.

    Raises:
        EnvironmentMismatchError: The message names its spaces.
    """
    actions, observations = env.action_space, env.observation_space
    if not isinstance(actions, spaces.Discrete) or actions.start != 0:
        raise EnvironmentMismatchError(
            f"{env_name(env)} has the actions {actions}, but the networks here choose among "
            "discrete actions counted from 0: choose an environment such as CartPole-v1"
        )
    if not isinstance(observations, spaces.Box) or len(observations.shape) != 1:
        raise EnvironmentMismatchError(
            f"{env_name(env)} has the observations {observations}, but vectors of numbers are "
            "needed here: choose an environment such as CartPole-v1"
        )


def input_scaling(settings: TrainingSettings, n_inputs: int) -> InputScaling:
    """What the settings do to observations of ``n_inputs`` numbers.

    Raises:
        OptionError: ``observation_mean`` or ``observation_scale`` has another length.
    """

    def values(name: str, neutral: float) -> NDArray[np.float64]:
        given = getattr(settings, name)
        array = np.full(n_inputs, neutral) if given is None else np.array(given, np.float64)
        if array.shape != (n_inputs,):
            raise OptionError(
                f"{name} has {array.size} values, but observations have {n_inputs}: give "
                f"{n_inputs} numbers"
            )
        return array

    return InputScaling(
        mean=values("observation_mean", 0.0), scale=values("observation_scale", 1.0)
    )


def with_scaling(env: Environment, settings: TrainingSettings) -> Environment:
    """The environment with observations (x - mean) / scale, where the settings have either."""
    space = env.observation_space
    assert isinstance(space, spaces.Box)
    scaling = input_scaling(settings, space.shape[0])
    if settings.observation_mean is None and settings.observation_scale is None:
        return env
    low, high = scaling.apply(space.low), scaling.apply(space.high)
    return gymnasium.wrappers.TransformObservation(
        env, scaling.apply, spaces.Box(low, high, dtype=np.float32)
    )
