"""Deep Q-learning with a Q network of spiking neurons."""

from __future__ import annotations

from typing import Any

import torch
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork

from dsqn_fast.environments import Environment
from dsqn_fast.model import Neuron
from dsqn_fast.training.dqn_settings import DsqnSettings
from dsqn_fast.training.q_learning import QLearning
from dsqn_fast.training.spiking_network import SpikingNetwork
from dsqn_fast.training.surrogate import Surrogate


class SpikingQNetwork(QNetwork):
    """Stable-Baselines3's Q network with spiking layers in place of its own."""

    def __init__(self, *, spiking: DsqnSettings, **options: Any) -> None:
        super().__init__(**options)
        self.q_net = SpikingNetwork(  # type: ignore[assignment]
            (self.features_dim, *self.net_arch, int(self.action_space.n)),
            neuron=Neuron(beta=spiking.beta, reset=spiking.reset),
            n_steps=spiking.n_steps,
            timing=spiking.timing,
            surrogate=Surrogate(spiking.surrogate, spiking.surrogate_scale),
            biases=spiking.biases,
            initial_potential=spiking.initial_potential,
        )

    def values_and_spikes(self, observations: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Q-values (B, n) and the mean number of spikes of a decision, both differentiable."""
        net = self.q_net
        assert isinstance(net, SpikingNetwork)
        done = net.simulate(self.extract_features(observations, self.features_extractor))
        spikes = torch.stack([train.sum() for train in done.spikes]).sum()
        return done.potential / net.n_steps, spikes / len(observations)


class SpikingQPolicy(DQNPolicy):
    """Stable-Baselines3's policy of two such networks."""

    def __init__(self, *arguments: Any, spiking: DsqnSettings, **options: Any) -> None:
        self._spiking = spiking
        super().__init__(*arguments, **options)

    def make_q_net(self) -> QNetwork:
        """A new spiking Q network."""
        options = self._update_features_extractor(self.net_args, features_extractor=None)
        return SpikingQNetwork(spiking=self._spiking, **options).to(self.device)


class SpikingQLearning(QLearning):
    """`QLearning` whose Q-values are potentials of spiking neurons.

    Args:
        env: Where it learns.
        settings: How.
        seed: Of everything random.
    """

    def __init__(self, env: Environment, *, settings: DsqnSettings, seed: int) -> None:
        options = {"spiking": settings}
        super().__init__(
            env, settings=settings, seed=seed, policy=SpikingQPolicy, policy_options=options
        )
        self.spike_cost = settings.spike_cost

    def _loss(self, batch: Any) -> torch.Tensor:
        if not self.spike_cost:
            return super()._loss(batch)
        net = self.q_net
        assert isinstance(net, SpikingQNetwork)
        values, spikes = net.values_and_spikes(batch.observations)
        return self._error(values, batch) + self.spike_cost * spikes
