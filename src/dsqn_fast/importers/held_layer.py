"""A weighted layer that still waits for its activation, so that more can be folded into it.

Weights are float64 and laid out as in `dsqn_fast.model`: inputs before outputs, the output axis
last, so that everything that follows a layer acts on its last axis.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dsqn_fast.errors import UnsupportedLayerError
from dsqn_fast.importers.operations import Affine, Pair, Pooling
from dsqn_fast.model.layers import Conv2d, Dense, Weighted

Doubles = NDArray[np.float64]


@dataclass(kw_only=True, eq=False)
class HeldLayer:
    """A dense or convolutional layer whose ReLU has not come yet.

    Attributes:
        name: Name in the source.
        weight: (n_in, n_out) or (kernel height, kernel width, channels in, channels out).
        bias: (n_out,) or (channels out,).
        stride: Of a convolution.
        padding: Of a convolution.
        pools: Maximum pooling between the layer and its ReLU, with which it commutes.
        flattened: A flattening lies between as well.
    """

    name: str
    weight: Doubles
    bias: Doubles
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    pools: list[Pooling] = field(default_factory=list)
    flattened: bool = False

    @property
    def is_dense(self) -> bool:
        """Whether it is dense, not convolutional."""
        return self.weight.ndim == 2

    def fold_affine(self, operation: Affine, scale: Doubles, shift: Doubles) -> None:
        """Take over ``y * scale + shift`` with (n_out,) or (channels out,) values.

        Raises:
            UnsupportedLayerError: A maximum pooling lies between and a scale is negative.
        """
        if self.pools and (scale < 0).any():
            raise UnsupportedLayerError(
                f"{operation.name} after {self.pools[-1].name} has a negative scale, with which "
                "a maximum cannot be exchanged: put it before the pooling"
            )
        self.weight = self.weight * scale
        self.bias = self.bias * scale + shift

    def merge_dense(self, weight: Doubles, bias: Doubles) -> None:
        """Become the product of this dense layer and the next, (n_out, n_next)."""
        self.bias = self.bias @ weight + bias
        self.weight = self.weight @ weight

    def merge_average(self, kernel: Pair, stride: Pair) -> None:
        """Become this convolution followed by a mean over windows: one wider convolution."""
        rows, columns = self.weight.shape[:2]
        height = rows + (kernel[0] - 1) * self.stride[0]
        width = columns + (kernel[1] - 1) * self.stride[1]
        merged = np.zeros((height, width, *self.weight.shape[2:]))
        for row in range(kernel[0]):
            for column in range(kernel[1]):
                top, left = row * self.stride[0], column * self.stride[1]
                merged[top : top + rows, left : left + columns] += self.weight
        self.weight = merged / (kernel[0] * kernel[1])
        self.stride = (self.stride[0] * stride[0], self.stride[1] * stride[1])

    def layer(self, dtype: DTypeLike) -> Weighted:
        """The finished layer in float32 or float64."""
        weight = np.ascontiguousarray(self.weight, dtype)
        bias = np.ascontiguousarray(self.bias, dtype)
        if self.is_dense:
            return Dense(weight=weight, bias=bias)
        return Conv2d(weight=weight, bias=bias, stride=self.stride, padding=self.padding)
