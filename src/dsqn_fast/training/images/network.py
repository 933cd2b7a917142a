"""Convolutional networks with ReLU alone: what they learn, a spiking network can carry."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from dsqn_fast.errors import EnvironmentMismatchError
from dsqn_fast.importers import load_ann
from dsqn_fast.model import AnnModel
from dsqn_fast.training.devices import chosen_device
from dsqn_fast.training.images.settings import ImageSettings

CONVOLUTIONS: Final[Mapping[str, tuple[tuple[int, int, int], ...]]] = {
    "nature": ((32, 8, 4), (64, 4, 2), (64, 3, 1)),
    "small": ((16, 8, 4), (32, 4, 2)),
    "tiny": ((16, 3, 1),),
}
"""Channels, kernel and stride of each layer."""


class ImageNetwork(nn.Module):
    """A trunk of convolutions and dense layers under one or two linear heads.

    Images arrive as unsigned bytes, channels last, and are divided by ``largest`` inside the
    first layer, which costs nothing.

    Args:
        settings: Which trunk.
        shape: (height, width, channels) of an image.
        largest: Largest value of a pixel.
        n_actions: Outputs of the first head: logits or Q-values.
        with_value: Whether a second head estimates the value of a state.
        seed: Seed of the weights, orthogonal as is usual for PPO.

    Raises:
        EnvironmentMismatchError: The image is smaller than the convolutions need.
    """

    def __init__(
        self,
        settings: ImageSettings,
        *,
        shape: tuple[int, int, int],
        largest: float,
        n_actions: int,
        with_value: bool,
        seed: int,
    ) -> None:
        super().__init__()
        self.shape, self.largest = shape, largest
        self.low_precision = settings.bfloat16
        generator = torch.Generator().manual_seed(seed)
        height, width, channels = shape
        layers: list[nn.Module] = []
        for n_out, kernel, stride in CONVOLUTIONS[settings.network]:
            layers += [_new(nn.Conv2d(channels, n_out, kernel, stride), generator), nn.ReLU()]
            height, width = (height - kernel) // stride + 1, (width - kernel) // stride + 1
            channels = n_out
        if min(height, width) < 1:
            raise EnvironmentMismatchError(
                f"network {settings.network!r} needs larger images than {shape[:2]}: set network "
                "to another one"
            )
        layers.append(nn.Flatten())
        size = height * width * channels
        for n_hidden in settings.hidden:
            layers += [_new(nn.Linear(size, n_hidden), generator), nn.ReLU()]
            size = n_hidden
        self.trunk = nn.Sequential(*layers)
        self.actor = _new(nn.Linear(size, n_actions), generator, gain=0.01)
        self.critic = _new(nn.Linear(size, 1), generator, gain=1.0) if with_value else None
        for layer in self.trunk:
            if isinstance(layer, nn.Conv2d):
                layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)
        self.device = chosen_device(settings.device)
        self.to(self.device)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Outputs of both heads for (B, height, width, channels) uint8: (B, n) and (B,).

        Images may be anywhere; outputs are on the CPU.
        """
        first = self.trunk[0]
        assert isinstance(first, nn.Conv2d)
        kind = torch.bfloat16 if self.low_precision else torch.float32
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.low_precision):
            inputs = images.to(self.device).permute(0, 3, 1, 2).to(kind)
            weight = (first.weight / self.largest).to(kind)
            assert first.bias is not None
            hidden = functional.conv2d(inputs, weight, first.bias.to(kind), first.stride)
            hidden = self.trunk[1:](hidden)
        hidden = hidden.float()
        value = None if self.critic is None else self.critic(hidden).squeeze(-1).cpu()
        return self.actor(hidden).cpu(), value

    def outputs(self, images: NDArray[np.uint8]) -> torch.Tensor:
        """Outputs of the first head without gradients."""
        with torch.no_grad():
            actor: torch.Tensor = self(torch.from_numpy(images))[0]
        return actor

    def values(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What states (B, height, width, channels) are worth, (B,): the second head, or max Q."""
        with torch.no_grad():
            actor, value = self(torch.from_numpy(images))
        found: NDArray[np.float32] = (actor.amax(1) if value is None else value).numpy()
        return found

    def export(self, **names: Any) -> AnnModel:
        """The trunk and the first head, for images from 0 to 1 with channels first.

        Args:
            **names: ``env_id`` and ``preprocessing`` of the source network.
        """
        height, width, channels = self.shape
        policy = copy.deepcopy(nn.Sequential(*self.trunk, self.actor)).cpu()
        return load_ann(policy, input_shape=(channels, height, width), **names)


def _new(layer: Any, generator: torch.Generator, gain: float = 2**0.5) -> Any:
    nn.init.orthogonal_(layer.weight, gain, generator=generator)
    nn.init.zeros_(layer.bias)
    return layer
