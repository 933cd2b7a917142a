"""Stable-Baselines3's DQN on games that are seen as images."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

from dsqn_fast.errors import EnvironmentMismatchError
from dsqn_fast.importers import load_ann
from dsqn_fast.model import AnnModel
from dsqn_fast.training.images.dqn_settings import ImageDqnSettings
from dsqn_fast.training.images.frame_memory import FrameMemory
from dsqn_fast.training.images.games_vec_env import GamesVecEnv
from dsqn_fast.training.images.network import CONVOLUTIONS
from dsqn_fast.training.q_learning import QLearning


class Convolutions(BaseFeaturesExtractor):
    """The convolutions of `ImageNetwork`; with dense layers behind, "nature" is NatureCNN.

    Args:
        observation_space: (channels, height, width) of bytes.
        network: A key of `CONVOLUTIONS`.

    Raises:
        EnvironmentMismatchError: The image is smaller than the convolutions need.
    """

    def __init__(self, observation_space: spaces.Box, network: str) -> None:
        channels, height, width = observation_space.shape
        layers: list[nn.Module] = []
        for n_out, kernel, stride in CONVOLUTIONS[network]:
            layers += [nn.Conv2d(channels, n_out, kernel, stride), nn.ReLU()]
            height, width = (height - kernel) // stride + 1, (width - kernel) // stride + 1
            channels = n_out
        if min(height, width) < 1:
            raise EnvironmentMismatchError(
                f"network {network!r} needs larger images than {observation_space.shape[1:]}: set "
                "network to another one"
            )
        super().__init__(observation_space, height * width * channels)
        self.layers = nn.Sequential(*layers, nn.Flatten())

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Features (B, n) of images (B, channels, height, width) from 0 to 1."""
        features: torch.Tensor = self.layers(observations)
        return features


class ImageQLearning(QLearning):
    """DQN with a memory of frames; after a lost life it presses what the game waits for.

    Args:
        env: Games.
        settings: How it learns.
        seed: Of the weights.
    """

    def __init__(self, env: GamesVecEnv, *, settings: ImageDqnSettings, seed: int) -> None:
        extractor = {
            "features_extractor_class": Convolutions,
            "features_extractor_kwargs": {"network": settings.network},
        }
        super().__init__(
            env,
            settings=settings,
            seed=seed,
            policy="CnnPolicy",
            policy_options=extractor,
            options={
                "replay_buffer_class": FrameMemory,
                "train_freq": settings.train_every // settings.n_envs,
            },
        )
        self.games = env
        self.set_logger(Logger(folder=None, output_formats=[]))

    @property
    def memory(self) -> FrameMemory:
        """What it remembers."""
        assert isinstance(self.replay_buffer, FrameMemory)
        return self.replay_buffer

    def export(self, **names: Any) -> AnnModel:
        """The network, for images from 0 to 1 with channels first.

        Args:
            **names: ``env_id`` and ``preprocessing`` of the source network.
        """
        extractor = self.q_net.features_extractor
        assert isinstance(extractor, Convolutions)
        network = copy.deepcopy(nn.Sequential(*extractor.layers, *self.q_net.q_net)).cpu()
        return load_ann(network, input_shape=self.games.observation_space.shape, **names)

    def outputs(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Q-values (B, n) of images (B, channels, height, width)."""
        with torch.no_grad():
            q_values: torch.Tensor = self.q_net(torch.from_numpy(images).to(self.device))
        found: NDArray[np.float32] = q_values.cpu().numpy()
        return found

    def _sample_action(
        self, learning_starts: int, action_noise: Any = None, n_envs: int = 1
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        actions, _ = super()._sample_action(learning_starts, action_noise, n_envs)
        actions = np.where(self.games.forced, self.games.games.force, actions)
        return actions, actions

    def _update_current_progress_remaining(self, num_timesteps: int, total_timesteps: int) -> None:
        super()._update_current_progress_remaining(num_timesteps, self.settings.total_steps)
