"""Connections: the linear maps that source networks and spiking networks are made of.

Images are channels-last, (height, width, channels), everywhere inside this package.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import ModelError
from dsqn_fast.model.checks import check_integers, shown

Array = NDArray[np.floating]
Shape = tuple[int, ...]


def _check_pair(name: str, value: object, lowest: int) -> tuple[int, int]:
    pair = check_integers(name, value, lowest)
    if len(pair) != 2:
        raise ModelError(f"{name} must be two integers of at least {lowest}, not {shown(value)}")
    return pair[0], pair[1]


def _check_parameters(weight: object, bias: object, dimensions: int) -> None:
    for name, array, ndim in (("weight", weight, dimensions), ("bias", bias, 1)):
        if not isinstance(array, np.ndarray) or array.dtype not in (np.float32, np.float64):
            kind = getattr(array, "dtype", type(array).__name__)
            raise ModelError(f"{name} must be a float32 or float64 array, not {shown(kind)}")
        if array.ndim != ndim:
            raise ModelError(f"{name} must have {ndim} dimensions, not shape {array.shape}")
        if not np.isfinite(array).all():
            raise ModelError(f"{name} of shape {array.shape} contains NaN or infinity")
    assert isinstance(weight, np.ndarray)
    assert isinstance(bias, np.ndarray)
    if weight.shape[-1] != bias.shape[0]:
        raise ModelError(f"weight has {weight.shape[-1]} outputs but bias has {bias.shape[0]}")


def _window_shape(
    shape: Shape, kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int]
) -> tuple[int, int]:
    if len(shape) != 3:
        raise ModelError(f"an image (height, width, channels) is needed, not shape {shape}")
    size = tuple(
        (shape[axis] + 2 * padding[axis] - kernel[axis]) // stride[axis] + 1 for axis in (0, 1)
    )
    if min(size) < 1:
        raise ModelError(f"a kernel of {kernel} does not fit an image of {shape[:2]}")
    return size[0], size[1]


@dataclass(frozen=True, kw_only=True, eq=False)
class Dense:
    """Fully connected: ``y = x @ weight + bias``.

    Attributes:
        weight: (n_in, n_out), float32 or float64.
        bias: (n_out,), same units as the outputs.
    """

    weight: Array
    bias: Array

    def __post_init__(self) -> None:
        _check_parameters(self.weight, self.bias, 2)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Shape of the outputs for inputs of ``input_shape`` (without batch)."""
        if input_shape != (self.weight.shape[0],):
            raise ModelError(
                f"a dense layer takes {self.weight.shape[0]} inputs, but is given {input_shape}"
            )
        return (self.weight.shape[1],)


@dataclass(frozen=True, kw_only=True, eq=False)
class Conv2d:
    """Two-dimensional cross-correlation over channels-last images, groups = 1.

    Attributes:
        weight: (kernel height, kernel width, channels in, channels out).
        bias: (channels out,).
        stride: Vertical and horizontal step, in pixels.
        padding: Zeros added above and below, left and right, in pixels.
    """

    weight: Array
    bias: Array
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        _check_parameters(self.weight, self.bias, 4)
        object.__setattr__(self, "stride", _check_pair("stride", self.stride, 1))
        object.__setattr__(self, "padding", _check_pair("padding", self.padding, 0))
        if min(self.weight.shape[:2]) < 1:
            raise ModelError(f"a kernel must be at least 1 x 1, not {self.weight.shape[:2]}")

    def output_shape(self, input_shape: Shape) -> Shape:
        """Shape of the outputs for inputs of ``input_shape`` (height, width, channels)."""
        kernel = (self.weight.shape[0], self.weight.shape[1])
        size = _window_shape(input_shape, kernel, self.stride, self.padding)
        if input_shape[2] != self.weight.shape[2]:
            raise ModelError(
                f"a convolution over {self.weight.shape[2]} channels is given {input_shape[2]}"
            )
        return (*size, self.weight.shape[3])


@dataclass(frozen=True, kw_only=True, eq=False)
class AveragePool2d:
    """Mean over windows of a channels-last image, without padding; no neurons of its own.

    Attributes:
        kernel: Window height and width, in pixels.
        stride: Vertical and horizontal step, in pixels.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "kernel", _check_pair("kernel", self.kernel, 1))
        object.__setattr__(self, "stride", _check_pair("stride", self.stride, 1))

    def output_shape(self, input_shape: Shape) -> Shape:
        """Shape of the outputs for inputs of ``input_shape`` (height, width, channels)."""
        return (*_window_shape(input_shape, self.kernel, self.stride, (0, 0)), input_shape[2])


@dataclass(frozen=True, kw_only=True, eq=False)
class Flatten:
    """An image to a vector, row by row, channel fastest (C order of the channels-last image)."""

    def output_shape(self, input_shape: Shape) -> Shape:
        """The number of values of ``input_shape``, as a vector's shape."""
        return (math.prod(input_shape),)


Weighted = Dense | Conv2d
Connection = Dense | Conv2d | AveragePool2d | Flatten
