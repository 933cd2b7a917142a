"""Brian2 standalone: C++ written, compiled and run as a program of its own."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from dsqn_fast.benchmarking.peers.folded import PlainLayer, dense_only, plain_layers
from dsqn_fast.benchmarking.peers.numpy_loop import input_current
from dsqn_fast.benchmarking.peers.peer import Floats, Peer
from dsqn_fast.model.spiking import SpikingModel

MAX_SYNAPSES: Final = 2_000_000


class Brian2Standalone(Peer):
    """One run of the program decides for the batch, one row after the other.

    The time of a decision holds the start of the program and the files that pass values in and
    out, as it does for a user. Synapses act in the step after the spike.
    """

    title = "Brian2 standalone"
    distribution = "brian2"
    modules = ("brian2",)
    convention = MappingProxyType({"timing": "nest"})

    def prepare(self, model: SpikingModel, n_steps: int, batch: int) -> None:
        """Write and compile the program."""
        import brian2 as b2

        self.close()
        self._layers = dense_only(plain_layers(model), MAX_SYNAPSES)
        self._folder = tempfile.mkdtemp(prefix="dsqn-fast-brian2-")
        b2.device.reinit()
        b2.device.activate()
        b2.set_device("cpp_standalone", build_on_run=False, directory=self._folder)
        b2.prefs.core.default_float_dtype = np.float32
        b2.defaultclock.dt = 1 * b2.ms
        shape = (batch, self._layers[0].bias.size)
        self._currents = b2.TimedArray(np.zeros(shape, np.float32), dt=n_steps * b2.ms)
        parts, self._output = _network(self._layers, self._currents, n_steps)
        # What is left of a row in the output when the next one starts is its result.
        self._monitor = b2.StateMonitor(
            self._output, "v", record=True, dt=n_steps * b2.ms, when="start"
        )
        network = b2.Network(parts, self._monitor)
        network.schedule = ["start", "synapses", "groups", "thresholds", "resets", "end"]
        network.run(n_steps * batch * b2.ms)
        with contextlib.chdir(self._folder):
            b2.device.build(directory=self._folder, run=False, with_output=False)

    def decide(self, observations: Floats) -> Floats:
        """Final potentials of the outputs."""
        import brian2 as b2

        currents = input_current(self._layers[0], observations)
        b2.device.run(run_args={self._currents: currents}, with_output=False)
        earlier = np.asarray(self._monitor.v).T[1:]
        potentials: Floats = np.vstack([earlier, np.asarray(self._output.v)])
        return potentials

    def close(self) -> None:
        """Remove the program."""
        if hasattr(self, "_folder"):
            shutil.rmtree(self._folder, ignore_errors=True)


def _network(layers: list[PlainLayer], currents: Any, n_steps: int) -> tuple[list[Any], Any]:
    """Neurons and synapses, and the output population among them."""
    import brian2 as b2

    parts: list[Any] = []
    groups: list[Any] = []
    for index, layer in enumerate(layers):
        group = b2.NeuronGroup(
            layer.bias.size,
            "v : 1\nbias : 1 (constant)\nv_start : 1 (constant)",
            threshold="v >= 1" if index < len(layers) - 1 else None,
            reset="v -= 1" if index < len(layers) - 1 else None,
            namespace={"currents": currents},
        )
        group.bias, group.v_start = layer.bias, layer.start
        group.run_regularly("v = v_start", dt=n_steps * b2.ms, when="after_synapses")
        group.run_regularly("v += bias" if index else "v += currents(t, i)", when="groups")
        if index:
            synapses = b2.Synapses(groups[-1], group, "w : 1 (constant)", on_pre="v_post += w")
            synapses.connect()
            synapses.w = layer.weight.ravel()
            parts.append(synapses)
        groups.append(group)
    return [*groups, *parts], groups[-1]
