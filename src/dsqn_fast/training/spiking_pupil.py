"""A spiking network that is taught actions with surrogate gradients."""

from __future__ import annotations

import torch
from torch.nn import functional

from dsqn_fast.model import SpikingModel
from dsqn_fast.training.input_scaling import InputScaling
from dsqn_fast.training.pupils import Pupil
from dsqn_fast.training.spiking_network import SpikingNetwork


class SpikingPupil(Pupil):
    """A `SpikingNetwork`, taught by cross-entropy of its output potentials divided by T.

    Args:
        network: The network.
        sharpness: Factor on the outputs inside the cross-entropy.
        spike_cost: Added to the loss per hidden spike of a decision.
    """

    def __init__(
        self, network: SpikingNetwork, *, sharpness: float = 1.0, spike_cost: float = 0.0
    ) -> None:
        self.network, self.sharpness, self.spike_cost = network, sharpness, spike_cost
        self._device = network.weights[0].device

    @property
    def module(self) -> SpikingNetwork:
        """What holds the weights."""
        return self.network

    def export(self, scaling: InputScaling) -> SpikingModel:
        """The policy of this moment."""
        return self.network.to_spiking_model(scaling=scaling)

    def logits(self, observations: torch.Tensor) -> torch.Tensor:
        """Outputs (B, n_actions) times the sharpness."""
        outputs: torch.Tensor = self.network(observations.to(self._device))
        return outputs.cpu() * self.sharpness

    def learn(self, observations: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        """See `Pupil.learn`."""
        if not self.spike_cost:
            return super().learn(observations, actions)
        done = self.network.simulate(observations.to(self._device))
        logits = done.potential * (self.sharpness / self.network.n_steps)
        spikes = torch.stack([train.sum() for train in done.spikes]).sum() / len(observations)
        loss = functional.cross_entropy(logits, actions.to(self._device)) + self.spike_cost * spikes
        if torch.isfinite(loss):
            loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()
