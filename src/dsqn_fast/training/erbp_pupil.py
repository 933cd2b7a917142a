"""A spiking network that learns by event-driven random backpropagation.

Source: E. Neftci, C. Augustine, S. Paul, G. Detorakis, "Event-Driven Random Back-Propagation:
Enabling Neuromorphic Deep Learning Machines", Frontiers in Neuroscience 2017.

Nothing is sent back through the weights and nothing through time. While the network runs, its
output neurons spike, and one error neuron per output integrates the difference to a label neuron,
which spikes at every step for the wanted action and never for another one::

    u_k[t] = u_k[t-1] + s_k[t] - y_k        e_k[t] = 1 if u_k[t] >= theta_e, -1 if <= -theta_e
                                            u_k[t] -= theta_e * e_k[t]

A synapse that received a spike changes by the error events that reach its neuron, through random
weights G that never change, where the neuron's potential is inside a boxcar around its threshold::

    dW_ij = -rate * sum over t of  p_i[t] * B(v_j[t]) * m_j[t]      B(v) = 1 if abs(v - theta) < w
    m_j[t] = sum over k of e_k[t] * G_kj                            of an output: m_k[t] = e_k[t]

p_i[t] is 1 where a spike arrives at step t; inputs, which are constant currents here, stand for
themselves, and a bias is a synapse that always receives one. Here the changes of a batch are
averaged, where the paper applies each at once, and the gate reads the potential, where the paper's
reads the synaptic current.
"""

from __future__ import annotations

import torch

from dsqn_fast.training.spiking_dynamics import spike_train
from dsqn_fast.training.spiking_network import SpikingNetwork
from dsqn_fast.training.spiking_pupil import SpikingPupil


class ErbpPupil(SpikingPupil):
    """A `SpikingNetwork` with local learning.

    The action is read from the potential of outputs that do not spike, as in every policy of
    this package: with reset by subtraction it is the threshold times the spikes, plus what is
    left. The error neurons see outputs that do.

    Args:
        network: The network; its surrogate is not used.
        seed: Seed of the random feedback weights.
        width: Half the width w of the boxcar.
        error_threshold: theta_e.
    """

    def __init__(
        self,
        network: SpikingNetwork,
        *,
        seed: int,
        width: float = 10.0,
        error_threshold: float = 1.0,
    ) -> None:
        super().__init__(network)
        self.width, self.error_threshold = width, error_threshold
        generator = torch.Generator().manual_seed(seed % 2**63)
        n_outputs = network.weights[-1].shape[1]
        self.feedback = [
            torch.randn(n_outputs, weight.shape[1], generator=generator)
            for weight in network.weights[:-1]
        ]

    def make_optimizer(self, learning_rate: float) -> torch.optim.Optimizer:
        """Plain steps along the changes of the rule: a synapse keeps no averages."""
        weights = [one for one in self.network.parameters() if one.requires_grad]
        return torch.optim.SGD(weights, learning_rate)

    @torch.no_grad()
    def learn(self, observations: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        """Leave the changes of the rule, negated, as gradients.

        Returns:
            Mean number of error events per decision.
        """
        done = self.network.simulate(observations)
        arriving = [self.network.delayed(spikes) for spikes in done.spikes]
        weight, bias = self.network.weights[-1], self.network.biases[-1]
        spikes, potentials = spike_train(arriving[-1] @ weight, bias, self.network.dynamics)
        events = self._events(spikes, actions)
        self._change(len(self.feedback), arriving[-1], self._gate(potentials) * events)
        for index, (before, random) in enumerate(zip(done.potentials, self.feedback, strict=True)):
            received = self._gate(before) * (events @ random)
            self._change(index, observations if index == 0 else arriving[index - 1], received)
        return events.abs().sum() / len(observations)

    def _events(self, spikes: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        """Error events (S, B, n_actions), each -1, 0 or 1."""
        wanted = torch.nn.functional.one_hot(actions, spikes.shape[2]).to(spikes)
        u = torch.zeros_like(wanted)
        events = torch.empty_like(spikes)
        for t, fired in enumerate(spikes):
            u += fired - wanted
            torch.mul(torch.sign(u), (u.abs() >= self.error_threshold), out=events[t])
            u -= events[t] * self.error_threshold
        return events

    def _gate(self, potentials: torch.Tensor) -> torch.Tensor:
        """The boxcar, 0 or 1, of potentials before their reset."""
        distance = potentials - self.network.dynamics.threshold
        return (distance.abs() < self.width).to(potentials)

    def _change(self, index: int, received: torch.Tensor, error: torch.Tensor) -> None:
        """Average over the batch, and per step, so that a rate does not depend on T."""
        count = error.shape[0] * error.shape[1]
        if received.ndim == 2:
            gradient = received.T @ error.sum(dim=0)
        else:
            gradient = received.flatten(0, 1).T @ error.flatten(0, 1)
        self.network.weights[index].grad = gradient / count
        if self.network.biases[index].requires_grad:
            self.network.biases[index].grad = error.sum(dim=(0, 1)) / count
