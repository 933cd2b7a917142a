"""A dense spiking network that torch can train with surrogate gradients.

Observations drive the first layer as a constant current; the last layer collects potential and
never spikes, and its potential after T steps, divided by T, is the output. What the neurons do in
each step is in `dsqn_fast.training.spiking_dynamics`.

A layer is simulated for all steps before the next one starts, so that its current is one matrix
product over all steps. A matrix product adds in an order of its own: with ``exact=True`` all
additions are made in the order of `dsqn_fast.reference` instead, and spikes and potentials are
equal to the reference, bit for bit. A network learns without; what is evaluated and kept of a
training is the exported `SpikingModel`, run by the engine.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from dsqn_fast.errors import OptionError
from dsqn_fast.model import Dense, Neuron, SpikingLayer, SpikingModel, Timing
from dsqn_fast.model.options import check_n_steps
from dsqn_fast.reference import DELAYS
from dsqn_fast.training.input_scaling import InputScaling
from dsqn_fast.training.spiking_currents import ordered_product
from dsqn_fast.training.spiking_dynamics import Dynamics, final_potential, spike_train
from dsqn_fast.training.surrogate import Surrogate


@dataclass(frozen=True, kw_only=True, eq=False)
class SpikingPass:
    """What a network did with a batch of observations; S = T steps, with ``spytorch`` T - 1.

    Attributes:
        potential: (B, n_out) potential of the outputs after the last step; differentiable.
        spikes: Per hidden layer (S, B, n), 0 or 1; differentiable.
        potentials: Per hidden layer (S, B, n), before each reset.
    """

    potential: torch.Tensor
    spikes: tuple[torch.Tensor, ...]
    potentials: tuple[torch.Tensor, ...]


class SpikingNetwork(torch.nn.Module):
    """Dense layers of integrate-and-fire neurons, trainable.

    Args:
        sizes: Inputs, neurons of each hidden layer, outputs; (4, 16, 16, 2) for example.
        neuron: Integrate-and-fire (beta = 1) or leaky (beta < 1), reset by subtraction or to
            zero; delta synapses and binary spikes.
        n_steps: Time steps T.
        timing: ``instant``, ``nest`` or ``spytorch``; the policy runs with the same.
        surrogate: Derivative of a spike: a `Surrogate` or its name.
        biases: Whether layers have trainable bias currents; otherwise they are 0.
        threshold: Of the hidden neurons.
        initial_potential: Of the hidden neurons, before the first step.

    Raises:
        OptionError: An argument is out of range.
        UnsupportedError: The neuron has synaptic currents, bursts or signed spikes.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        neuron: Neuron | None = None,
        n_steps: int = 20,
        timing: Timing = "instant",
        surrogate: Surrogate | str = "superspike",
        biases: bool = True,
        threshold: float = 1.0,
        initial_potential: float = 0.0,
    ) -> None:
        super().__init__()
        if len(sizes) < 3:
            raise OptionError(
                f"a spiking network needs at least 3 sizes (inputs, hidden, outputs), not "
                f"{tuple(sizes)}"
            )
        for size in sizes:
            check_n_steps(size, "a layer's size")
        self.n_steps = check_n_steps(n_steps)
        self.dynamics = Dynamics(
            neuron=neuron or Neuron(),
            timing=timing,
            threshold=threshold,
            initial_potential=initial_potential,
            surrogate=Surrogate(surrogate) if isinstance(surrogate, str) else surrogate,
        )
        self.steps = self.n_steps - 1 if self.dynamics.late else self.n_steps
        pairs = list(itertools.pairwise(sizes))
        self.weights = torch.nn.ParameterList(torch.empty(pair) for pair in pairs)
        self.biases = torch.nn.ParameterList(torch.zeros(n_out) for _, n_out in pairs)
        self.biases.requires_grad_(biases)
        for weight in self.weights:
            # As for ReLU (He 2015): the firing rate is a ReLU that is clipped and rounded.
            torch.nn.init.normal_(weight, std=(2.0 / max(len(weight), 1)) ** 0.5)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Outputs (B, n_out) of observations (B, n_in): potential / T.

        They are the ``q_values`` of the exported model.
        """
        return self.simulate(observations).potential / self.n_steps

    def simulate(self, observations: torch.Tensor, *, exact: bool = False) -> SpikingPass:
        """Simulate all layers for all steps.

        Args:
            observations: (B, n_in), of the parameters' dtype.
            exact: Add in the order of the reference; slower.
        """
        product = ordered_product if exact else _product
        current = product(observations, self.weights[0], self.biases[0])
        # The current of constant observations holds the bias already.
        drive, bias = current.expand(self.steps, *current.shape), None
        trains, potentials = [], []
        for weight, following in zip(self.weights[1:], self.biases[1:], strict=True):
            spikes, before = spike_train(drive, bias, self.dynamics)
            trains.append(spikes)
            potentials.append(before)
            arriving = self.delayed(spikes)
            if weight is not self.weights[-1]:
                drive = product(arriving, weight, None if exact else following)
                bias = following if exact else None
        return SpikingPass(
            potential=self._collect(arriving, exact=exact),
            spikes=tuple(trains),
            potentials=tuple(potentials),
        )

    def delayed(self, spikes: torch.Tensor) -> torch.Tensor:
        """Spikes (S, B, n) at the step in which they arrive."""
        delay = min(DELAYS[self.dynamics.timing], self.steps)
        if delay == 0:
            return spikes
        return functional.pad(spikes[: self.steps - delay], (0, 0, 0, 0, delay, 0))

    def _collect(self, arriving: torch.Tensor, *, exact: bool) -> torch.Tensor:
        """Potential (B, n_out) that spikes (S, B, n) leave: sum over t of beta**(S-t) * I[t]."""
        weight, bias, beta = self.weights[-1], self.biases[-1], self.dynamics.neuron.beta
        if exact:
            return final_potential(ordered_product(arriving, weight), bias, self.dynamics)
        if beta == 1.0:
            total, kept = arriving.sum(dim=0), float(self.steps)
        else:
            left = beta ** torch.arange(self.steps - 1, -1, -1).to(arriving)
            total, kept = torch.tensordot(left, arriving, dims=1), float(left.sum())
        return torch.addmm(bias * kept, total, weight)

    @torch.no_grad()
    def to_spiking_model(
        self,
        *,
        env_id: str | None = None,
        scaling: InputScaling | None = None,
        provenance: Mapping[str, Any] | None = None,
    ) -> SpikingModel:
        """The network of this moment as a policy.

        Args:
            env_id: Environment that it plays.
            scaling: What was done to the observations that it saw; becomes part of the first
                layer, in float32. None for nothing.
            provenance: How it was trained: JSON values.
        """
        dense = [
            Dense(weight=weight.cpu().numpy().copy(), bias=bias.cpu().numpy().copy())
            for weight, bias in zip(self.weights, self.biases, strict=True)
        ]
        if scaling is not None:
            dense[0] = scaling.fold_layer(dense[0])
        theta = np.array(self.dynamics.threshold, dense[-1].weight.dtype)
        start = np.array(self.dynamics.initial_potential, theta.dtype)
        hidden = [
            SpikingLayer(connection=one, threshold=theta, initial_potential=start)
            for one in dense[:-1]
        ]
        return SpikingModel(
            layers=(*hidden, SpikingLayer(connection=dense[-1])),
            input_shape=(dense[0].weight.shape[0],),
            n_steps=self.n_steps,
            neuron=self.dynamics.neuron,
            timing=self.dynamics.timing,
            env_id=env_id,
            provenance=provenance or {},
        )


def _product(
    values: torch.Tensor, weight: torch.Tensor, start: torch.Tensor | None
) -> torch.Tensor:
    return functional.linear(values, weight.T, start)
