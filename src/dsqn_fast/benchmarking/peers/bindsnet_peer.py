"""BindsNET: a `Network` of nodes and connections, run in feed-forward mode."""

from __future__ import annotations

from typing import Any

from dsqn_fast.benchmarking.peers.peer import Floats, Peer
from dsqn_fast.benchmarking.peers.torch_layers import TorchLayer, to_torch, torch_layers
from dsqn_fast.model.spiking import SpikingModel


class BindsNet(Peer):
    """Its converter's `SubtractiveResetIFNodes`; outputs have an unreachable threshold.

    The current of the first layer is computed once and is the input of every step.
    """

    title = "BindsNET"
    distribution = "bindsnet"
    modules = ("bindsnet.network", "bindsnet.conversion")

    def prepare(self, model: SpikingModel, n_steps: int, batch: int) -> None:
        """Build the network; no learning, no traces."""
        import torch
        from bindsnet.conversion.nodes import SubtractiveResetIFNodes
        from bindsnet.network import Network

        self._layers, self._n_steps = torch_layers(model), n_steps
        self._network = Network(dt=1.0, batch_size=batch, learning=False)
        nodes: list[Any] = []
        for index, layer in enumerate(self._layers):
            outputs = index == len(self._layers) - 1
            threshold = torch.finfo(torch.float32).max if outputs else 1.0
            nodes.append(
                SubtractiveResetIFNodes(
                    shape=layer.output_shape, thresh=threshold, reset=0.0, refrac=0
                )
            )
            self._network.add_layer(nodes[-1], name=str(index))
            if index > 0:
                connection = _connection(nodes[index - 1], nodes[index], layer)
                self._network.add_connection(connection, str(index - 1), str(index))
        self._nodes = nodes
        self._network.eval()

    def decide(self, observations: Floats) -> Floats:
        """Final potentials of the outputs."""
        import torch

        with torch.inference_mode():
            constant = self._layers[0].current(to_torch(observations))
            for node, layer in zip(self._nodes, self._layers, strict=True):
                node.v = layer.full_start.repeat_interleave(len(constant), 0)
                node.refrac_count.zero_()
            sequence = constant.expand(self._n_steps, *constant.shape)
            self._network.run({"0": sequence}, time=self._n_steps, one_step=True)
            potentials: Floats = self._nodes[-1].v.numpy().copy()
        return potentials


def _connection(source: Any, target: Any, layer: TorchLayer) -> Any:
    from bindsnet.network.topology import Connection, Conv2dConnection

    if layer.is_dense:
        return Connection(source, target, w=layer.weight.T.contiguous(), b=layer.bias)
    kernel = tuple(layer.weight.shape[2:])
    return Conv2dConnection(
        source, target, kernel, layer.stride, layer.padding, w=layer.weight, b=layer.bias
    )
