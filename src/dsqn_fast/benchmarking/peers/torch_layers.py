"""A model's layers as torch tensors in torch's own layout, (channels, height, width)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dsqn_fast.benchmarking.peers.folded import PlainLayer, plain_layers
from dsqn_fast.benchmarking.peers.peer import Floats
from dsqn_fast.model.spiking import SpikingModel

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class TorchLayer:
    """A layer with threshold 1, ready for `torch.nn.functional`.

    Attributes:
        weight: (n_out, n_in) or (channels out, channels in, kernel height, kernel width).
        bias: (n_out,).
        start: (1, n_out) or (1, channels, 1, 1), potential before the first step.
        stride: Of a convolution.
        padding: Of a convolution.
        is_dense: Whether it is no convolution.
        output_shape: (n_out,) or (channels, height, width) of the neurons.
    """

    weight: torch.Tensor
    bias: torch.Tensor
    start: torch.Tensor
    stride: tuple[int, int]
    padding: tuple[int, int]
    is_dense: bool
    output_shape: tuple[int, ...]

    @property
    def full_start(self) -> torch.Tensor:
        """Start potential of every neuron, (1, *output shape)."""
        return self.start.expand(1, *self.output_shape)

    def current(self, values: torch.Tensor) -> torch.Tensor:
        """Input current (B, ...) for spikes or observations (B, ...)."""
        from torch.nn import functional

        if self.is_dense:
            return functional.linear(values.flatten(1), self.weight, self.bias)
        return functional.conv2d(values, self.weight, self.bias, self.stride, self.padding)

    def module(self) -> torch.nn.Module:
        """The same map as a `torch.nn` module."""
        from torch import nn

        n_out, n_in = self.weight.shape[:2]
        made: nn.Linear | nn.Conv2d
        if self.is_dense:
            made = nn.Linear(n_in, n_out)
        else:
            kernel = self.weight.shape[2], self.weight.shape[3]
            made = nn.Conv2d(n_in, n_out, kernel, self.stride, self.padding)
        made.weight.data, made.bias.data = self.weight, self.bias  # type: ignore[union-attr]
        made.requires_grad_(False)
        return made


def torch_layers(model: SpikingModel) -> list[TorchLayer]:
    """The layers of ``model``; one thread is set, as for all peers.

    Raises:
        UnsupportedError: The model's neurons are not the ones that peers have.
    """
    import torch

    torch.set_num_threads(1)
    return [_torch_layer(layer) for layer in plain_layers(model)]


def _torch_layer(layer: PlainLayer) -> TorchLayer:
    import torch

    if layer.is_dense:
        weight = channels_first_rows(layer).T
        start = layer.start[np.newaxis]
    else:
        weight = layer.weight.transpose(3, 2, 0, 1)
        start = layer.start[np.newaxis, :, np.newaxis, np.newaxis]
    arrays = (weight, layer.bias, start)
    w, b, v = (torch.from_numpy(np.ascontiguousarray(array)) for array in arrays)
    shape = layer.output_shape
    if len(shape) == 3:
        shape = (shape[2], *shape[:2])
    return TorchLayer(w, b, v, layer.stride, layer.padding, layer.is_dense, shape)


def channels_first_rows(layer: PlainLayer) -> Floats:
    """Weights (n_in, n_out) of a dense layer whose inputs are flattened channel first."""
    if not layer.flattens or len(layer.input_shape) != 3:
        return layer.weight
    image = layer.weight.reshape(*layer.input_shape, -1)
    return image.transpose(2, 0, 1, 3).reshape(layer.weight.shape)


def to_torch(observations: Floats) -> torch.Tensor:
    """Observations (B, n) or (B, height, width, channels) as torch takes them."""
    import torch

    values = torch.from_numpy(observations)
    return values.permute(0, 3, 1, 2).contiguous() if values.ndim == 4 else values
