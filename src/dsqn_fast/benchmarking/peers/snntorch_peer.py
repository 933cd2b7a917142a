"""snnTorch: the loop over time of its tutorials."""

from __future__ import annotations

from typing import Any

from dsqn_fast.benchmarking.peers.peer import Floats, Peer
from dsqn_fast.benchmarking.peers.torch_layers import to_torch, torch_layers
from dsqn_fast.model.spiking import SpikingModel


class SnnTorch(Peer):
    """`Leaky` with beta = 1 and its usual reset, subtracted in the step after the spike.

    The threshold is compared before that, so that the spikes are those of a reset at once.
    """

    title = "snnTorch"
    distribution = "snntorch"
    modules = ("snntorch",)

    def prepare(self, model: SpikingModel, n_steps: int, batch: int) -> None:
        """Make the modules."""
        import snntorch

        self._layers, self._n_steps = torch_layers(model), n_steps
        self._maps = [layer.module() for layer in self._layers]
        self._neurons: list[Any] = [
            snntorch.Leaky(beta=1.0, threshold=1.0, reset_mechanism="subtract").eval()
            for _ in self._layers[:-1]
        ]

    def decide(self, observations: Floats) -> Floats:
        """Final potentials of the outputs: the sum of their currents."""
        import torch

        with torch.inference_mode():
            constant = self._maps[0](to_torch(observations))
            rows = len(constant)
            v = [layer.full_start.repeat_interleave(rows, 0) for layer in self._layers]
            for _ in range(self._n_steps):
                current = constant
                for index, neuron in enumerate(self._neurons):
                    spikes, v[index] = neuron(current, v[index])
                    if self._layers[index + 1].is_dense:
                        spikes = spikes.flatten(1)
                    current = self._maps[index + 1](spikes)
                v[-1] = v[-1] + current
            potentials: Floats = v[-1].numpy()
        return potentials
