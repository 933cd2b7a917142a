"""A policy that is asked for its outputs, whatever its activations are.

It is rebuilt from tensors and names alone; nothing of a source file is executed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dsqn_fast.errors import UnsupportedLayerError
from dsqn_fast.importers.build import known_input_shape
from dsqn_fast.importers.operations import (
    Activation,
    Affine,
    Convolution,
    Flattening,
    Floats,
    Linear,
    Operation,
    Pooling,
    SourceNetwork,
)
from dsqn_fast.importers.refusals import OUTPUT_ACTIVATIONS, TEACHER_ACTIVATIONS, refused_layer
from dsqn_fast.model import AnnModel
from dsqn_fast.model.layers import Shape
from dsqn_fast.model.observations import prepare_observations


@dataclass(frozen=True, kw_only=True, eq=False)
class Teacher:
    """A policy with ``forward`` as `AnnModel` has it, and nothing that converts.

    Attributes:
        network: The source network.
        input_shape: (n,) or (height, width, channels).
        channels_first: Observations arrive as (channels, height, width).
        n_outputs: Number of outputs: actions of the policy.
        env_id: Gymnasium environment, where known.
        preprocessing: Observation preprocessing, where known.
        provenance: Where it came from, JSON values only.
    """

    network: AnnModel | torch.nn.Sequential
    input_shape: Shape
    channels_first: bool
    n_outputs: int
    env_id: str | None = None
    preprocessing: Mapping[str, Any] | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def forward(self, observations: NDArray[Any]) -> NDArray[np.floating]:
        """Outputs (B, n_outputs) in float32 for observations (B, *shape as they arrive).

        Raises:
            ObservationError: The shape does not fit or a value is NaN or infinite.
        """
        if isinstance(self.network, AnnModel):
            return self.network.forward(observations)
        images = prepare_observations(self, observations, np.float32)
        if images.ndim == 4:
            images = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
        with torch.no_grad():
            outputs = self.network(torch.from_numpy(images))
        return np.asarray(outputs.numpy()).reshape(len(images), -1)


def make_teacher(source: SourceNetwork | AnnModel) -> Teacher:
    """The teacher for a source as read.

    Raises:
        UnsupportedLayerError: An activation needs settings that tensors do not state.
        OptionError: The input shape does not follow from the weights.
    """
    if isinstance(source, AnnModel):
        return Teacher(
            network=source,
            input_shape=source.input_shape,
            channels_first=source.channels_first,
            n_outputs=source.n_outputs,
            env_id=source.env_id,
            preprocessing=source.preprocessing,
            provenance=source.provenance,
        )
    shape, _ = known_input_shape(source)
    network = torch.nn.Sequential(*map(_module, source.operations)).eval()
    try:
        with torch.no_grad():
            n_outputs = network(torch.zeros(1, *shape)).numel()
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise UnsupportedLayerError(
            f"the layers do not fit an input of shape {shape} ({reason}): give input_shape"
        ) from None
    return Teacher(
        network=network,
        input_shape=(shape[1], shape[2], shape[0]) if len(shape) == 3 else shape,
        channels_first=len(shape) == 3 and source.channels_first,
        n_outputs=n_outputs,
        env_id=source.env_id,
        preprocessing=source.preprocessing,
        provenance={**source.provenance, "notes": list(source.notes)},
    )


class _Affine(torch.nn.Module):
    def __init__(self, operation: Affine) -> None:
        super().__init__()
        self.operation = operation

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        scale, shift = self.operation.for_dimensions(values.ndim - 1)
        return values * _tensor(scale) + _tensor(shift)


class _Convolution(torch.nn.Module):
    def __init__(self, operation: Convolution) -> None:
        super().__init__()
        self.weight = _tensor(operation.weight)
        self.bias = None if operation.bias is None else _tensor(operation.bias)
        self.stride, self.padding = operation.stride, operation.padding

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.conv2d(
            images, self.weight, self.bias, stride=self.stride, padding=self.padding
        )


class _Linear(torch.nn.Module):
    def __init__(self, operation: Linear) -> None:
        super().__init__()
        self.weight = _tensor(operation.weight)
        self.bias = None if operation.bias is None else _tensor(operation.bias)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.linear(values, self.weight, self.bias)


def _tensor(array: Floats) -> torch.Tensor:
    return torch.from_numpy(np.array(array, np.float32))


def _module(operation: Operation) -> torch.nn.Module:
    if isinstance(operation, Linear):
        return _Linear(operation)
    if isinstance(operation, Convolution):
        return _Convolution(operation)
    if isinstance(operation, Affine):
        return _Affine(operation)
    if isinstance(operation, Flattening):
        return torch.nn.Flatten()
    if isinstance(operation, Activation):
        return _activation(operation)
    assert isinstance(operation, Pooling)
    if operation.kernel is None:
        return torch.nn.AdaptiveAvgPool2d(1)
    if operation.maximum:
        return torch.nn.MaxPool2d(operation.kernel, operation.stride, operation.padding)
    return torch.nn.AvgPool2d(operation.kernel, operation.stride)


def _activation(operation: Activation) -> torch.nn.Module:
    if operation.kind in TEACHER_ACTIVATIONS:
        module: torch.nn.Module = getattr(torch.nn, operation.kind)(**operation.options)
        return module
    if operation.kind in OUTPUT_ACTIVATIONS:
        return torch.nn.Identity()
    raise refused_layer(operation.name, operation.kind)
