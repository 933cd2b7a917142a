"""SpikingJelly in multi-step mode: layers run all T steps one after the other."""

from __future__ import annotations

from typing import Any

from dsqn_fast.benchmarking.peers.peer import Floats, Peer
from dsqn_fast.benchmarking.peers.torch_layers import to_torch, torch_layers
from dsqn_fast.model.spiking import SpikingModel


class SpikingJelly(Peer):
    """`IFNode` with soft reset behind `functional.seq_to_ann_forward` of plain layers.

    The first layer is its usual static encoder: the current is computed once and repeated.
    """

    title = "SpikingJelly"
    distribution = "spikingjelly"
    modules = ("spikingjelly.activation_based.neuron",)

    def prepare(self, model: SpikingModel, n_steps: int, batch: int) -> None:
        """Make the modules."""
        from spikingjelly.activation_based import neuron

        self._layers, self._n_steps = torch_layers(model), n_steps
        self._maps = [layer.module() for layer in self._layers]
        self._nodes: list[Any] = [
            neuron.IFNode(v_threshold=1.0, v_reset=None, step_mode="m").eval()
            for _ in self._layers[:-1]
        ]

    def decide(self, observations: Floats) -> Floats:
        """Final potentials of the outputs: the sum of their currents."""
        import torch
        from spikingjelly.activation_based import functional

        with torch.inference_mode():
            constant = self._maps[0](to_torch(observations))
            sequence = constant.expand(self._n_steps, *constant.shape)
            for index, node in enumerate(self._nodes):
                functional.reset_net(node)
                node.v = self._layers[index].full_start.repeat_interleave(len(constant), 0)
                spikes = node(sequence)
                if self._layers[index + 1].is_dense:
                    spikes = spikes.flatten(2)
                sequence = functional.seq_to_ann_forward(spikes, self._maps[index + 1])
            potentials: Floats = (sequence.sum(0) + self._layers[-1].start).numpy()
        return potentials
