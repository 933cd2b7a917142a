"""The loop over time in plain PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsqn_fast.benchmarking.peers.peer import Floats, Peer
from dsqn_fast.benchmarking.peers.torch_layers import to_torch, torch_layers
from dsqn_fast.model.spiking import SpikingModel

if TYPE_CHECKING:
    import torch


class TorchLoop(Peer):
    """Each step updates every layer, in inference mode; the first current is hoisted."""

    title = "PyTorch loop"
    distribution = "torch"
    modules = ("torch",)

    def prepare(self, model: SpikingModel, n_steps: int, batch: int) -> None:
        """Weights as tensors."""
        self._layers, self._n_steps = torch_layers(model), n_steps

    def decide(self, observations: Floats) -> Floats:
        """Final potentials of the outputs."""
        import torch

        with torch.inference_mode():
            constant = self._layers[0].current(to_torch(observations))
            v = [layer.start for layer in self._layers]
            v = self._loop(constant, v)
        potentials: Floats = v[-1].numpy()
        return potentials

    def _loop(self, constant: torch.Tensor, v: list[torch.Tensor]) -> list[torch.Tensor]:
        for _ in range(self._n_steps):
            v = self._step(constant, v)
        return v

    def _step(self, constant: torch.Tensor, v: list[torch.Tensor]) -> list[torch.Tensor]:
        current, after = constant, []
        for potential, layer in zip(v[:-1], self._layers[1:], strict=True):
            raised = potential + current
            spikes = (raised >= 1).to(raised.dtype)
            after.append(raised - spikes)
            current = layer.current(spikes)
        return [*after, v[-1] + current]
