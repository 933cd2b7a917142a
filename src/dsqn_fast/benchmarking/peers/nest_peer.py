"""NEST: `eprop_iaf` neurons, which reset by subtraction, at a resolution and delay of 1 ms."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

import numpy as np

from dsqn_fast.benchmarking.peers.folded import dense_only, plain_layers
from dsqn_fast.benchmarking.peers.numpy_loop import input_current
from dsqn_fast.benchmarking.peers.peer import Floats, Peer
from dsqn_fast.model.spiking import SpikingModel

MAX_SYNAPSES: Final = 2_000_000
SILENT: Final = -1e9
"""Hidden potential, in mV, at which no spike of the decision before can matter."""
TAU: Final = 2.0**33
"""Time constant, in ms, at which NEST's propagator of the current is exactly 1."""
UNREACHABLE: Final = 1e300


class Nest(Peer):
    """Built once; between decisions the synapses are drained for a step and potentials set."""

    title = "NEST"
    distribution = "nest-simulator"
    modules = ("nest",)
    convention = MappingProxyType({"timing": "nest"})

    def prepare(self, model: SpikingModel, n_steps: int, batch: int) -> None:
        """Create neurons and synapses in a fresh kernel."""
        import nest

        self._layers, self._n_steps = dense_only(plain_layers(model), MAX_SYNAPSES), n_steps
        nest.ResetKernel()
        nest.set_verbosity("M_ERROR")
        nest.resolution = 1.0
        nest.local_num_threads = 1
        last = len(self._layers) - 1
        self._nodes: list[Any] = []
        for index, layer in enumerate(self._layers):
            self._nodes.append(_population(layer.bias.size, UNREACHABLE if index == last else 1.0))
            if index > 0:
                nest.Connect(
                    self._nodes[index - 1],
                    self._nodes[index],
                    "all_to_all",
                    {"weight": layer.weight.T.astype(np.float64), "delay": 1.0},
                )
                self._nodes[index].I_e = layer.bias.astype(np.float64)
        self._first = True

    def decide(self, observations: Floats) -> Floats:
        """Final potentials of the outputs, one decision after the other."""
        currents = input_current(self._layers[0], observations).astype(np.float64)
        return np.array([self._decide(current) for current in currents], np.float32)

    def _decide(self, current: Any) -> Any:
        import nest

        self._nodes[0].I_e = current
        # Spikes under way and a current that is latched a step late end in this step.
        for nodes in self._nodes:
            nodes.V_m = SILENT
        nest.Simulate(1.0)
        for nodes, layer in zip(self._nodes, self._layers, strict=True):
            nodes.V_m = layer.start.astype(np.float64)
        nest.Simulate(float(self._n_steps))
        return self._nodes[-1].V_m


def _population(size: int, threshold: float) -> Any:
    import nest

    parameters = {"V_th": threshold, "C_m": 1.0, "tau_m": TAU, "E_L": 0.0, "t_ref": 0.0}
    return nest.Create("eprop_iaf", size, parameters)
