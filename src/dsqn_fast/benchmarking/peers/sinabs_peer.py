"""sinabs: layers run all T steps one after the other, batch and time on one axis between them."""

from __future__ import annotations

from typing import Any

from dsqn_fast.benchmarking.peers.peer import Floats, Peer
from dsqn_fast.benchmarking.peers.torch_layers import to_torch, torch_layers
from dsqn_fast.model.spiking import SpikingModel


class Sinabs(Peer):
    """`IAF` with `SingleSpike` and `MembraneSubtract`."""

    title = "sinabs"
    distribution = "sinabs"
    modules = ("sinabs.layers",)

    def prepare(self, model: SpikingModel, n_steps: int, batch: int) -> None:
        """Make the modules."""
        from sinabs.activation import MembraneSubtract, SingleSpike
        from sinabs.layers import IAF

        self._layers, self._n_steps = torch_layers(model), n_steps
        self._maps = [layer.module() for layer in self._layers]
        self._neurons: list[Any] = [
            IAF(spike_fn=SingleSpike, reset_fn=MembraneSubtract()).eval() for _ in self._layers[:-1]
        ]

    def decide(self, observations: Floats) -> Floats:
        """Final potentials of the outputs: the sum of their currents."""
        import torch

        with torch.inference_mode():
            constant = self._maps[0](to_torch(observations))
            rows, steps = len(constant), self._n_steps
            sequence = constant.unsqueeze(1).expand(rows, steps, *constant.shape[1:])
            for index, neuron in enumerate(self._neurons):
                neuron.v_mem = self._layers[index].full_start.repeat_interleave(rows, 0)
                spikes = neuron(sequence).flatten(0, 1)
                if self._layers[index + 1].is_dense:
                    spikes = spikes.flatten(1)
                current = self._maps[index + 1](spikes)
                sequence = current.reshape(rows, steps, *current.shape[1:])
            potentials: Floats = (sequence.sum(1) + self._layers[-1].start).numpy()
        return potentials
