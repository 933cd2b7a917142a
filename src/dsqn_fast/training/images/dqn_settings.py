"""Hyperparameters of deep Q-learning on images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from dsqn_fast.errors import OptionError
from dsqn_fast.model.options import check_choice
from dsqn_fast.training.dqn_settings import DqnSettings
from dsqn_fast.training.images.settings import NETWORKS

DQN_METHODS: Final = ("dqn", "double-dqn")


@dataclass(frozen=True, kw_only=True)
class ImageDqnSettings(DqnSettings):
    """How a convolutional Q network is trained by Stable-Baselines3's DQN.

    The defaults are those of its zoo for Atari games, but for eight games side by side: as many
    gradient steps per decision.

    Attributes:
        network: As of `ImageSettings`.
        n_envs: Games side by side.
        clip_rewards: Learn from the signs of the rewards.
        lives: A lost life ends what is learned from as the end of the game does.
        test_epsilon: Share of random actions in the test at the end.
    """

    network: Literal["nature", "small", "tiny"] = "nature"
    hidden: tuple[int, ...] = (512,)
    total_steps: int = 10_000_000
    learning_rate: float = 1e-4
    learning_rate_end: float = 1.0
    buffer_size: int = 100_000
    batch_size: int = 32
    learning_starts: int = 100_000
    train_every: int = 8
    gradient_steps: int = 2
    target_every: int = 1_000
    tau: float = 1.0
    loss: Literal["squared", "huber"] = "huber"
    epsilon_end: float = 0.01
    epsilon_fraction: float = 0.1
    n_envs: int = 8
    clip_rewards: bool = True
    lives: bool = True
    test_episodes: int = 30
    test_epsilon: float = 0.05
    checkpoint_every: int = 250_000
    device: Literal["auto", "cpu", "cuda"] = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("network", self.network, NETWORKS)
        self._check_integers("n_envs", lowest=1)
        self._check_reals("test_epsilon", lowest=0.0, highest=1.0)
        self._check_flags("clip_rewards", "lives")
        if self.train_every % self.n_envs:
            raise OptionError(
                f"train_every counts decisions of all games: it must be a multiple of n_envs = "
                f"{self.n_envs}, not {self.train_every}"
            )
        if self.n_step != 1:
            raise OptionError(
                f"n_step must be 1 on images, whose memory keeps single frames, not {self.n_step}"
            )
        if self.target_unit != "steps":
            raise OptionError(f"target_unit must be steps on images, not {self.target_unit}")
        if self.reward != "environment":
            raise OptionError(f"reward must be environment on images, not {self.reward}")
        if self.observation_mean is not None or self.observation_scale is not None:
            raise OptionError("images are not scaled by observation_mean and observation_scale")


def image_dqn_preset(method: str) -> ImageDqnSettings:
    """The hyperparameters that a method starts from.

    Args:
        method: ``"dqn"`` or ``"double-dqn"``.

    Raises:
        OptionError: There is no such method.
    """
    check_choice("method", method, DQN_METHODS)
    return ImageDqnSettings(double_q=method == "double-dqn")
