"""A spiking network as a plain torch loop over time steps, differentiated by autograd.

The fused operation is compared with it, in values and in speed. ``instant`` timing.
"""

from __future__ import annotations

from typing import Any

import torch

from dsqn_fast.training.spiking_network import SpikingNetwork
from dsqn_fast.training.surrogate import Surrogate


class Spike(torch.autograd.Function):
    """1 where the potential reaches the threshold, with a surrogate derivative."""

    @staticmethod
    def forward(
        ctx: Any, potential: torch.Tensor, threshold: float, surrogate: Surrogate
    ) -> torch.Tensor:
        ctx.save_for_backward(potential)
        ctx.threshold, ctx.surrogate = threshold, surrogate
        return (potential >= threshold).to(potential.dtype)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (potential,) = ctx.saved_tensors
        return ctx.surrogate(potential, ctx.threshold) * grad, None, None


def plain_loop(network: SpikingNetwork, observations: torch.Tensor) -> torch.Tensor:
    """Outputs (B, n_out) of a network with ``instant`` timing."""
    dynamics = network.dynamics
    beta, theta, subtracts = dynamics.neuron.beta, dynamics.threshold, dynamics.subtracts
    *hidden, (last, last_bias) = zip(network.weights, network.biases, strict=True)
    first = observations @ network.weights[0] + network.biases[0]
    start = dynamics.initial_potential
    potentials = [first.new_full((len(first), len(bias)), start) for _, bias in hidden]
    output = first.new_zeros(len(first), len(last_bias))
    for _ in range(network.n_steps):
        spikes = first
        for index, (weight, bias) in enumerate(hidden):
            current = first if index == 0 else spikes @ weight + bias
            v = beta * potentials[index] + current
            spikes = Spike.apply(v, theta, dynamics.surrogate)
            fired = spikes.detach()
            potentials[index] = v - theta * fired if subtracts else v * (1 - fired)
        output = beta * output + (spikes @ last + last_bias)
    return output / network.n_steps
