"""The source network itself in PyTorch: what a decision costs without spikes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dsqn_fast.benchmarking.peers.peer import Floats, Peer
from dsqn_fast.benchmarking.peers.torch_layers import to_torch, torch_layers
from dsqn_fast.errors import UnsupportedError
from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.layers import AveragePool2d, Flatten
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.model.spiking_layer import SpikingLayer

if TYPE_CHECKING:
    import torch


def relu_module(model: SpikingModel) -> torch.nn.Module:
    """The network that ``model`` was converted from; images arrive channels first.

    Raises:
        UnsupportedError: The model does not carry its source, or pools.
    """
    from torch import nn

    if model.source is None:
        raise UnsupportedError("the model does not carry the ReLU network that it comes from")
    modules: list[nn.Module] = []
    for layer in torch_layers(as_spiking(model.source)):
        if layer.is_dense and modules:
            modules.append(nn.Flatten())
        modules += [layer.module(), nn.ReLU()]
    return nn.Sequential(*modules[:-1]).eval()


def as_spiking(ann: AnnModel) -> SpikingModel:
    """The same weights as a spiking model, so that one function lays both out for torch."""
    layers = [
        layer if isinstance(layer, AveragePool2d | Flatten) else SpikingLayer(connection=layer)
        for layer in ann.layers
    ]
    return SpikingModel(layers=tuple(layers), input_shape=ann.input_shape, n_steps=1)


class ReluTorch(Peer):
    """One forward pass in inference mode."""

    title = "ReLU network, PyTorch"
    distribution = "torch"
    modules = ("torch",)
    is_relu = True

    def prepare(self, model: SpikingModel, n_steps: int, batch: int) -> None:
        """The source as a `torch.nn.Sequential`."""
        self._network = relu_module(model)

    def decide(self, observations: Floats) -> Floats:
        """Outputs of the ReLU network."""
        import torch

        with torch.inference_mode():
            outputs: Floats = self._network(to_torch(observations)).numpy()
        return np.ascontiguousarray(outputs)
