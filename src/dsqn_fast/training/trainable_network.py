"""An `AnnModel` whose weights torch can change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch.nn import functional

from dsqn_fast.model import AnnModel, AveragePool2d, Connection, Conv2d, Dense

Activation = Callable[[int, torch.Tensor], torch.Tensor]
"""From the number of a hidden weighted layer, and its inputs, to its activations."""


def relu(layer: int, values: torch.Tensor) -> torch.Tensor:
    """The activation that an `AnnModel` has."""
    return functional.relu(values)


class TrainableNetwork(torch.nn.Module):
    """The same function as an `AnnModel`, in float32, with channels-last images.

    Args:
        ann: Where the weights start.
    """

    def __init__(self, ann: AnnModel) -> None:
        super().__init__()
        self.ann = ann
        self.weighted = [
            index for index, layer in enumerate(ann.layers) if isinstance(layer, Dense | Conv2d)
        ]
        tensors = [ann.layers[index] for index in self.weighted]
        self.weights = torch.nn.ParameterList(_tensor(layer.weight) for layer in tensors)  # type: ignore[union-attr]
        self.biases = torch.nn.ParameterList(_tensor(layer.bias) for layer in tensors)  # type: ignore[union-attr]

    def forward(
        self, observations: torch.Tensor, activation: Activation = relu
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Outputs (B, n), and the inputs of every hidden activation, each (B, *shape)."""
        value, hidden = observations, []
        for index, layer in enumerate(self.ann.layers):
            if index not in self.weighted:
                value = _pass_on(layer, value)
                continue
            number = self.weighted.index(index)
            value = _weigh(layer, value, self.weights[number], self.biases[number])
            if number < len(self.weighted) - 1:
                hidden.append(value)
                value = activation(number, value)
        return value.flatten(1), hidden

    def to_ann(self) -> AnnModel:
        """The network with the weights of this moment."""
        layers = list(self.ann.layers)
        for number, index in enumerate(self.weighted):
            layer = layers[index]
            assert isinstance(layer, Dense | Conv2d)
            layers[index] = replace(
                layer,
                weight=self.weights[number].detach().numpy().copy(),
                bias=self.biases[number].detach().numpy().copy(),
            )
        return replace(self.ann, layers=tuple(layers))


def _tensor(array: np.ndarray) -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.from_numpy(array.astype(np.float32)))


def _pass_on(layer: Connection, value: torch.Tensor) -> torch.Tensor:
    if isinstance(layer, AveragePool2d):
        pooled = functional.avg_pool2d(value.permute(0, 3, 1, 2), layer.kernel, layer.stride)
        return pooled.permute(0, 2, 3, 1)
    return value.flatten(1)


def _weigh(
    layer: Connection, value: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor
) -> torch.Tensor:
    if isinstance(layer, Conv2d):
        images = functional.conv2d(
            value.permute(0, 3, 1, 2),
            weight.permute(3, 2, 0, 1),
            bias,
            stride=layer.stride,
            padding=layer.padding,
        )
        return images.permute(0, 2, 3, 1)
    return value @ weight + bias
