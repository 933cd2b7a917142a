"""Nengo: its reference simulator, with a neuron type of this project's equation."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from dsqn_fast.benchmarking.peers.folded import plain_layers
from dsqn_fast.benchmarking.peers.numpy_loop import input_current
from dsqn_fast.benchmarking.peers.peer import Floats, Peer
from dsqn_fast.errors import UnsupportedError
from dsqn_fast.model.spiking import SpikingModel


@functools.cache
def neuron_type() -> Any:
    """Integrate-and-fire that keeps negative potentials, which Nengo's own type clips."""
    import nengo

    class SubtractiveIF(nengo.SpikingRectifiedLinear):  # type: ignore[misc]  # untyped there
        def step(self, dt: float, J: Any, output: Any, voltage: Any) -> None:
            voltage += J
            np.greater_equal(voltage, 1, out=output, casting="unsafe")
            voltage -= output

    return SubtractiveIF


class Nengo(Peer):
    """Neurons joined by `Connection` without synapse; decisions one after the other."""

    title = "Nengo"
    distribution = "nengo"
    modules = ("nengo",)

    def prepare(self, model: SpikingModel, n_steps: int, batch: int) -> None:
        """Build the network and the simulator, in float32."""
        import nengo

        self._layers, self._n_steps = plain_layers(model), n_steps
        self._constant = np.zeros(self._layers[0].output_shape, np.float32).ravel()
        nengo.rc["precision"]["bits"] = "32"
        with nengo.Network(seed=0) as network:
            source: Any = nengo.Node(lambda t: self._constant, size_out=self._constant.size)
            transform: Any = 1
            for index, layer in enumerate(self._layers[:-1]):
                bias = layer.bias if index else 0 * layer.bias  # the first is in the current
                neurons = _ensemble(layer, bias).neurons
                nengo.Connection(source, neurons, transform=transform, synapse=None)
                source, transform = neurons, _transform(self._layers[index + 1])
            # Outputs only add up: a node does, one step after another.
            self._v = np.zeros(self._layers[-1].bias.size, np.float32)
            output = nengo.Node(self._add, size_in=self._v.size)
            nengo.Connection(source, output, transform=transform, synapse=None)
        self._simulator = nengo.Simulator(network, dt=1.0, progress_bar=False, optimize=True)

    def decide(self, observations: Floats) -> Floats:
        """Final potentials of the outputs."""
        currents = input_current(self._layers[0], observations).reshape(len(observations), -1)
        potentials = np.empty((len(observations), self._v.size), np.float32)
        for row, current in enumerate(currents):
            self._constant = current
            self._simulator.reset()
            self._v[:] = self._layers[-1].start
            self._simulator.run_steps(self._n_steps)
            potentials[row] = self._v + self._n_steps * self._layers[-1].bias
        return potentials

    def close(self) -> None:
        """Close the simulator."""
        if hasattr(self, "_simulator"):
            self._simulator.close()

    def _add(self, t: float, x: Any) -> None:
        self._v += x


def _ensemble(layer: Any, bias: Floats) -> Any:
    import nengo

    size = int(np.prod(layer.output_shape))
    per_neuron = [np.broadcast_to(a, layer.output_shape).ravel() for a in (bias, layer.start)]
    return nengo.Ensemble(
        size,
        1,
        gain=np.ones(size),
        bias=per_neuron[0],
        neuron_type=neuron_type()(initial_state={"voltage": per_neuron[1]}),
    )


def _transform(layer: Any) -> Any:
    """The layer's weights as Nengo's transform; images are channels last there too."""
    import nengo

    if layer.is_dense:
        return layer.weight.T
    if layer.padding != (0, 0):
        raise UnsupportedError("Nengo pads as 'valid' or 'same' only")
    return nengo.Convolution(
        n_filters=layer.weight.shape[3],
        input_shape=layer.input_shape,
        kernel_size=layer.weight.shape[:2],
        strides=layer.stride,
        padding="valid",
        channels_last=True,
        init=layer.weight,
    )
