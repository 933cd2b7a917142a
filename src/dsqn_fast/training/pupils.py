"""Networks that can be taught actions, whatever they are made of."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch.nn import functional

from dsqn_fast.model import AnnModel, SpikingModel
from dsqn_fast.training.input_scaling import InputScaling


class Pupil(ABC):
    """A network and the rule by which it learns one batch of actions."""

    @property
    @abstractmethod
    def module(self) -> torch.nn.Module:
        """What holds the weights."""

    def make_optimizer(self, learning_rate: float) -> torch.optim.Optimizer:
        """What changes the weights once `learn` has found a direction."""
        return torch.optim.Adam(
            [one for one in self.module.parameters() if one.requires_grad], learning_rate
        )

    def look_at(self, states: torch.Tensor, generator: torch.Generator) -> None:  # noqa: B027
        """See the states of training as the weights of this moment do; called before each epoch.

        Args:
            states: (B, *shape).
            generator: For a choice among them.
        """

    @abstractmethod
    def export(self, scaling: InputScaling) -> AnnModel | SpikingModel:
        """The network of this moment, for observations as they are before ``scaling``."""

    @abstractmethod
    def logits(self, observations: torch.Tensor) -> torch.Tensor:
        """Outputs (B, n_actions); the largest is the action."""

    def learn(self, observations: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        """Leave a gradient in the weights; returns the loss.

        Args:
            observations: (B, *shape) float32.
            actions: (B,) int64, the teacher's.
        """
        loss = functional.cross_entropy(self.logits(observations), actions)
        if torch.isfinite(loss):
            loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()
