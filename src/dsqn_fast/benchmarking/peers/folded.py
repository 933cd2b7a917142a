"""A model as plain layers that every framework can take over: all thresholds 1, pools folded."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dsqn_fast.benchmarking.peers.peer import Floats
from dsqn_fast.errors import UnsupportedError
from dsqn_fast.model.layers import AveragePool2d, Conv2d, Flatten, Shape
from dsqn_fast.model.spiking import SpikingModel


@dataclass(frozen=True, eq=False)
class PlainLayer:
    """A dense or convolutional layer of integrate-and-fire neurons with threshold 1.

    Dividing weights, bias and start potential by the threshold changes no spike: v / theta
    crosses 1 where v crosses theta.

    Attributes:
        weight: (n_in, n_out), or (kernel height, kernel width, channels in, channels out).
        bias: (n_out,).
        start: (n_out,), potential before the first step.
        stride: Of a convolution, in pixels.
        padding: Of a convolution, in pixels.
        input_shape: (n,) or (height, width, channels) of what arrives.
        output_shape: (n,) or (height, width, channels) of the neurons.
        flattens: Whether an image arrives and is flattened, channel fastest.
    """

    weight: Floats
    bias: Floats
    start: Floats
    stride: tuple[int, int]
    padding: tuple[int, int]
    input_shape: Shape
    output_shape: Shape
    flattens: bool

    @property
    def is_dense(self) -> bool:
        """Whether every input reaches every neuron."""
        return self.weight.ndim == 2


def plain_layers(model: SpikingModel) -> list[PlainLayer]:
    """The layers of a model whose neurons are non-leaky, binary and reset by subtraction.

    Raises:
        UnsupportedError: The model is another one.
    """
    neuron = model.neuron
    if (neuron.alpha, neuron.beta, neuron.spikes) != (0.0, 1.0, "binary"):
        raise UnsupportedError("peers run non-leaky neurons with binary spikes only")
    if (model.encoding, model.decoding, model.timing) != ("constant", "potential", "instant"):
        raise UnsupportedError("peers run constant currents, decoded by potential, only")
    layers: list[PlainLayer] = []
    shapes, flattens, input_shape = model.shapes(), False, model.input_shape
    for layer, before, after in zip(model.layers, shapes[:-1], shapes[1:], strict=True):
        if isinstance(layer, AveragePool2d):
            raise UnsupportedError("peers run dense and convolutional layers only, no pooling")
        if isinstance(layer, Flatten):
            flattens = len(before) == 3
            continue
        connection = layer.connection
        theta = np.broadcast_to(layer.threshold, connection.bias.shape)
        if layer is model.layers[-1]:
            theta = np.ones_like(theta)  # outputs never spike, and their potentials are compared
        image = isinstance(connection, Conv2d)
        layers.append(
            PlainLayer(
                weight=np.ascontiguousarray(connection.weight / theta, dtype=np.float32),
                bias=(connection.bias / theta).astype(np.float32),
                start=(np.broadcast_to(layer.initial_potential, theta.shape) / theta).astype(
                    np.float32
                ),
                stride=connection.stride if isinstance(connection, Conv2d) else (1, 1),
                padding=connection.padding if isinstance(connection, Conv2d) else (0, 0),
                input_shape=before if image or not flattens else input_shape,
                output_shape=after,
                flattens=flattens and not image,
            )
        )
        flattens, input_shape = False, after
    return layers


def dense_only(layers: list[PlainLayer], synapses: int) -> list[PlainLayer]:
    """``layers``, for peers that know single synapses and no convolution.

    Raises:
        UnsupportedError: There are convolutions, or too many synapses beyond the first layer,
            whose current is constant.
    """
    if not all(layer.is_dense for layer in layers):
        raise UnsupportedError("convolutions would have to be written out as single synapses")
    needed = sum(math.prod(layer.weight.shape) for layer in layers[1:])
    if needed > synapses:
        raise UnsupportedError(f"{needed} synapses are more than the {synapses} it is asked for")
    return layers
