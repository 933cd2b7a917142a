"""Norse: the loop over time with its integrate-and-fire step."""

from __future__ import annotations

from types import MappingProxyType

from dsqn_fast.benchmarking.peers.peer import Floats, Peer
from dsqn_fast.benchmarking.peers.torch_layers import to_torch, torch_layers
from dsqn_fast.model.spiking import SpikingModel


class Norse(Peer):
    """`iaf_feed_forward_step`, which resets to zero: the engine is compared with that reset."""

    title = "Norse"
    distribution = "norse"
    modules = ("norse.torch",)
    convention = MappingProxyType({"reset": "zero"})

    def prepare(self, model: SpikingModel, n_steps: int, batch: int) -> None:
        """Make the modules."""
        from norse.torch.functional.iaf import IAFParameters

        self._layers, self._n_steps = torch_layers(model), n_steps
        self._maps = [layer.module() for layer in self._layers]
        self._parameters = IAFParameters()

    def decide(self, observations: Floats) -> Floats:
        """Final potentials of the outputs: the sum of their currents."""
        import torch
        from norse.torch.functional.iaf import IAFFeedForwardState, iaf_feed_forward_step

        with torch.inference_mode():
            constant = self._maps[0](to_torch(observations))
            states = [
                IAFFeedForwardState(v=layer.full_start.repeat_interleave(len(constant), 0))
                for layer in self._layers[:-1]
            ]
            v = self._layers[-1].start
            for _ in range(self._n_steps):
                current = constant
                for index, state in enumerate(states):
                    spikes, states[index] = iaf_feed_forward_step(current, state, self._parameters)
                    if self._layers[index + 1].is_dense:
                        spikes = spikes.flatten(1)
                    current = self._maps[index + 1](spikes)
                v = v + current
            potentials: Floats = v.numpy()
        return potentials
