"""All steps of a layer before the next layer, in PyTorch: one GEMM or convolution per layer."""

from __future__ import annotations

from dsqn_fast.benchmarking.peers.peer import Floats, Peer
from dsqn_fast.benchmarking.peers.torch_layers import to_torch, torch_layers
from dsqn_fast.model.spiking import SpikingModel


class TorchByLayer(Peer):
    """Time and batch are one axis of every product; only the neurons walk through time."""

    title = "PyTorch by layer"
    distribution = "torch"
    modules = ("torch",)

    def prepare(self, model: SpikingModel, n_steps: int, batch: int) -> None:
        """Weights as tensors."""
        self._layers, self._n_steps = torch_layers(model), n_steps

    def decide(self, observations: Floats) -> Floats:
        """Final potentials of the outputs, from how often each of their inputs spiked."""
        import torch

        with torch.inference_mode():
            constant = self._layers[0].current(to_torch(observations))
            current = constant.expand(self._n_steps, *constant.shape)
            for layer, following in zip(self._layers[:-1], self._layers[1:], strict=True):
                spikes = torch.empty(current.shape)
                v = layer.start.expand(current.shape[1:]).clone()
                for now, arriving in zip(spikes, current, strict=True):
                    v += arriving
                    torch.ge(v, 1, out=now)
                    v -= now
                if following is not self._layers[-1]:
                    current = following.current(spikes.flatten(0, 1))
                    current = current.reshape(self._n_steps, -1, *current.shape[1:])
            output, counts = self._layers[-1], spikes.sum(0).flatten(1)
            potentials = output.start + self._n_steps * output.bias + counts @ output.weight.T
        result: Floats = potentials.numpy()
        return result
