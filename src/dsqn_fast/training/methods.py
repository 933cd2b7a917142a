"""The training methods by name: what is imported only when one of them is called."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from dsqn_fast.model.options import check_choice


class Method(NamedTuple):
    """Where a method's function is, and the line that a list of methods shows.

    Attributes:
        module: Module of the function.
        function: Its name. It takes the arguments of `train_policy`, the method's name first.
        help: A few words.
    """

    module: str
    function: str
    help: str


_POLICY: Final = ("dsqn_fast.training.policy_training", "train_policy")
_IMAGES: Final = ("dsqn_fast.training.images.train", "train_on_images")
_VIEWS: Final = ("dsqn_fast.training.images.train_imitation", "train_by_view_imitation")

METHODS: Final[dict[str, Method]] = {
    "dqn": Method(*_POLICY, "deep Q-learning"),
    "double-dqn": Method(*_POLICY, "deep Q-learning with double Q"),
    "dsqn": Method(*_POLICY, "a spiking Q network, surrogate gradients"),
    "a2c": Method(*_POLICY, "advantage actor-critic"),
    "ppo": Method(*_POLICY, "proximal policy optimisation"),
    "reinforce": Method(*_POLICY, "policy gradient of whole episodes"),
    "classifier": Method(*_POLICY, "a teacher's actions"),
    "spiking-classifier": Method(*_POLICY, "a teacher's actions, spiking, surrogate gradients"),
    "erbp-classifier": Method(*_POLICY, "a teacher's actions, spiking, local learning (eRBP)"),
    "pqn": Method(*_IMAGES, "parallel Q-learning on images"),
    "view-imitation": Method(*_VIEWS, "what a convolutional teacher does, by a dense network"),
}


_ON_ATARI: Final = {
    "ppo": Method(*_IMAGES, "proximal policy optimisation on images"),
    "dqn": Method(*_IMAGES, "deep Q-learning on images"),
    "double-dqn": Method(*_IMAGES, "deep Q-learning with double Q on images"),
}


def load_method(name: str, env_id: str = "") -> Callable[..., Any]:
    """The function of a method; imports its module.

    Args:
        name: Its name.
        env_id: Environment; Atari games are learned from images.

    Raises:
        OptionError: There is no such method; the message names the nearest.
    """
    check_choice("method", name, tuple(METHODS))
    entry = METHODS[name]
    if env_id.startswith("ALE/"):
        entry = _ON_ATARI.get(name, entry)
    function: Callable[..., Any] = getattr(importlib.import_module(entry.module), entry.function)
    return function
