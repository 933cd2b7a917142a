"""Hyperparameters of training on images."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from dsqn_fast.errors import OptionError
from dsqn_fast.model.options import check_choice
from dsqn_fast.training.bfloat16 import has_fast_bfloat16
from dsqn_fast.training.settings import TrainingSettings

IMAGE_METHODS: Final = ("ppo", "pqn")
NETWORKS: Final = ("nature", "small", "tiny")


@dataclass(frozen=True, kw_only=True)
class ImageSettings(TrainingSettings):
    """How a convolutional network is trained.

    Attributes:
        network: Convolutions in front of the dense layers: ``"nature"`` (Mnih et al. 2015),
            ``"small"`` (Mnih et al. 2013), ``"tiny"`` (one of 3 x 3, for images of a few pixels).
        hidden: Neurons of the dense hidden layers.
        n_envs: Games side by side.
        horizon: Decisions of every game between two updates.
        minibatch: Decisions of one gradient step.
        epochs: How often an update goes over what was played.
        clip_rewards: Learn from the signs of the rewards.
        lives: A lost life ends what is learned from as the end of the game does.
        gae_lambda: Decay of the generalised advantage (ppo) or of Q(lambda) returns (pqn).
        ratio_clip: Bound on the change of an action's probability in one update (ppo).
        entropy: Weight of the entropy of the actions (ppo).
        value_weight: Weight of the value's error (ppo).
        epsilon_start: Share of random actions at the start (pqn).
        epsilon_end: Smallest share of random actions (pqn).
        epsilon_fraction: Share of the training over which it falls (pqn).
        test_epsilon: Share of random actions in the test at the end.
        bfloat16: Compute convolutions with bfloat16: by default where the CPU has instructions
            for it, several times faster there and many times slower elsewhere.
    """

    network: Literal["nature", "small", "tiny"] = "nature"
    hidden: tuple[int, ...] = (512,)
    total_steps: int = 5_000_000
    learning_rate: float = 5e-4
    clip: float = 0.5
    n_envs: int = 32
    horizon: int = 64
    minibatch: int = 256
    epochs: int = 3
    clip_rewards: bool = True
    lives: bool = True
    gae_lambda: float = 0.95
    ratio_clip: float = 0.1
    entropy: float = 0.01
    value_weight: float = 0.5
    epsilon_start: float = 1.0
    epsilon_end: float = 0.01
    epsilon_fraction: float = 0.1
    test_episodes: int = 30
    test_epsilon: float = 0.05
    checkpoint_every: int = 200_000
    bfloat16: bool = field(default_factory=has_fast_bfloat16)
    device: Literal["auto", "cpu", "cuda"] = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("network", self.network, NETWORKS)
        self._check_integers("n_envs", "horizon", "minibatch", "epochs", lowest=1)
        shares = ("gae_lambda", "epsilon_start", "epsilon_end", "epsilon_fraction", "test_epsilon")
        self._check_reals(*shares, lowest=0.0, highest=1.0)
        self._check_reals("ratio_clip", lowest=1e-6, highest=1e6)
        self._check_reals("entropy", "value_weight", lowest=0.0, highest=1e6)
        self._check_flags("clip_rewards", "lives", "bfloat16")
        if self.minibatch > self.batch:
            raise OptionError(
                f"minibatch must be at most n_envs * horizon = {self.batch}, not {self.minibatch}"
            )
        if self.observation_mean is not None or self.observation_scale is not None:
            raise OptionError("images are not scaled by observation_mean and observation_scale")

    @property
    def batch(self) -> int:
        """Decisions between two updates."""
        return self.n_envs * self.horizon

    @property
    def updates(self) -> int:
        """Updates of the whole training."""
        return max(1, self.total_steps // self.batch)

    def epsilon_at(self, progress: float) -> float:
        """Share of random actions after a share ``progress`` of the training."""
        if not self.epsilon_fraction:
            return self.epsilon_end
        left = max(0.0, 1.0 - progress / self.epsilon_fraction)
        return self.epsilon_end + (self.epsilon_start - self.epsilon_end) * left


_PRESETS: Final = {
    "ppo": ImageSettings(),
    "pqn": ImageSettings(
        learning_rate=2.5e-4, clip=10.0, gae_lambda=0.65, n_envs=64, horizon=32, epochs=2
    ),
}


def image_preset(method: str) -> ImageSettings:
    """The hyperparameters that a method starts from.

    Args:
        method: ``"ppo"`` or ``"pqn"``.

    Raises:
        OptionError: There is no such method for images.
    """
    check_choice("method", method, IMAGE_METHODS)
    return _PRESETS[method]
