"""Policy files as networks that are timed, with states that they visit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from dsqn_fast.benchmarking.nets import NETS, ROWS, BenchmarkNet
from dsqn_fast.conversion.gather import greedy, play, spiking
from dsqn_fast.environments import check_fits, make_environment
from dsqn_fast.errors import OptionError
from dsqn_fast.model.layers import Flatten
from dsqn_fast.model.observations import prepare_observations
from dsqn_fast.model.spiking import SpikingModel, has_convolution
from dsqn_fast.model_io import load_policy

PLAYED: Final = 1280
"""Decisions that are played to choose `ROWS` states from, spread over all games."""
EPSILON: Final = 0.05
BATCHES: Final = (1, 64)
IMAGE_BATCHES: Final = (1, 16)


def policy_name(path: Path) -> str:
    """How a benchmark calls a policy: by its path, with ./ before one that is a key of `NETS`."""
    return f"./{path}" if str(path) in NETS else str(path)


def check_policy(path: Path) -> None:
    """Check early that a policy can play.

    Raises:
        ModelFileError: It is no policy file.
        OptionError: It names no environment.
        UnknownEnvironmentError: There is no such environment.
        EnvironmentMismatchError: It does not fit the policy.
        MissingExtraError: The environment needs a package that is not installed.
    """
    model = load_policy(path)
    env = make_environment(_env_id(model, path), preprocessing=model.preprocessing)
    try:
        check_fits(env, model)
    finally:
        env.close()


def policy_batches(path: Path) -> tuple[int, ...]:
    """Batch sizes in which a policy is timed where none are asked for.

    Raises:
        ModelFileError: It is no policy file.
    """
    return IMAGE_BATCHES if has_convolution(load_policy(path)) else BATCHES


def load_policy_net(path: Path, *, seed: int = 0) -> BenchmarkNet:
    """The policy of a file and states of its environment that its source visits.

    Args:
        path: A policy file that names its environment.
        seed: Seed of the games, in which 5 % of the actions are random.

    Raises:
        As `check_policy`.
    """
    model = load_policy(path).replace(early_exit=None)  # peers take all steps
    source = model.source
    played = play(
        spiking(model, seed=seed) if source is None else greedy(source),
        model if source is None else source,
        _env_id(model, path),
        max_observations=PLAYED,
        epsilon=EPSILON,
        seed=seed,
    )
    spaced = played.observations[:: max(1, len(played.observations) // ROWS)][:ROWS]
    observations = prepare_observations(model, spaced, np.float32)
    model = _channels_last(model)
    if isinstance(model.layers[0], Flatten):  # peers flatten what a convolution made, no pictures
        model, observations = flattened(model), observations.reshape(len(observations), -1)
    return BenchmarkNet(policy_name(path), model, observations, "policy")


def _env_id(model: SpikingModel, path: Path) -> str:
    if model.env_id is None:
        raise OptionError(f"{path} names no environment to take observations from: name another")
    return model.env_id


def _channels_last(model: SpikingModel) -> SpikingModel:
    """The model for observations as peers take them."""
    source = model.source
    turned = None if source is None else replace(source, channels_first=False)
    return model.replace(channels_first=False, source=turned)


def flattened(model: SpikingModel) -> SpikingModel:
    """The model without the Flatten layer that it begins with."""
    shape, source = model.shapes()[1], model.source
    if source is not None and isinstance(source.layers[0], Flatten):
        source = replace(source, layers=source.layers[1:], input_shape=shape)
        return model.replace(layers=model.layers[1:], input_shape=shape, source=source)
    return model.replace(layers=model.layers[1:], input_shape=shape, source=None)
