"""Operations of a source network, one after another, into the layers of an `AnnModel`.

An `AnnModel` has ReLU after every weighted layer but the last, channels-last images, and
nothing else. So everything linear is folded into the nearest weights: batch normalisation and
input scaling, dense layers without a ReLU between them, a mean right after a convolution.
What commutes with ReLU may stand on either side of it. The rest is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import DTypeLike

from dsqn_fast.errors import UnsupportedLayerError
from dsqn_fast.importers.held_layer import Doubles, HeldLayer
from dsqn_fast.importers.input_shapes import window_counts
from dsqn_fast.importers.max_pooling import max_pooling_layers
from dsqn_fast.importers.operations import (
    Activation,
    Affine,
    Convolution,
    Flattening,
    Linear,
    Operation,
    Pooling,
)
from dsqn_fast.importers.pending_input import PendingInput, per_channel
from dsqn_fast.importers.refusals import refused_activation
from dsqn_fast.model.layers import AveragePool2d, Connection, Flatten, Shape


class Lowering:
    """Takes operations in order and builds layers.

    Attributes:
        shape: Shape of the current value as the source has it, (n,) or
            (channels, height, width).
        layers: Finished layers.
        notes: What was folded, moved or added, in sentences.
    """

    def __init__(self, input_shape: Shape, dtype: DTypeLike) -> None:
        self.shape = input_shape
        self.layers: list[Connection] = []
        self.notes: list[str] = []
        self._dtype = dtype
        self._held: HeldLayer | None = None
        self._pending = PendingInput(input_shape)
        self._rectified = False
        self._image = input_shape

    def finish(self) -> tuple[Connection, ...]:
        """The layers, the last one without ReLU.

        Raises:
            UnsupportedLayerError: The network ends with something that cannot be written so.
        """
        held = self._held
        if held is not None and not held.pools and np.prod(self.shape) == len(held.bias):
            return (*self.layers, held.layer(self._dtype))
        if held is not None:
            raise UnsupportedLayerError(
                f"{held.name} is a convolution at the end of the network: end it with ReLU, "
                "Flatten and a Linear layer"
            )
        if len(self.shape) == 3:
            self.apply(Flattening(name="end"))
        self.notes.append("A dense identity layer was added after the last activation.")
        self.apply(Linear(name="end", weight=np.eye(self.shape[0])))
        return self.finish()

    def apply(self, operation: Operation) -> None:
        """Take one operation.

        Raises:
            UnsupportedLayerError: It cannot be taken over where it stands.
        """
        actions: Mapping[type[Operation], Callable[..., None]] = {
            Linear: self._linear,
            Convolution: self._convolution,
            Affine: self._affine,
            Activation: self._activation,
            Pooling: self._pooling,
            Flattening: self._flattening,
        }
        action = actions.get(type(operation))
        if action is None:
            raise UnsupportedLayerError(
                f"{operation.name} must be the first step of the network: move it there"
            )
        action(operation)

    def _linear(self, operation: Linear) -> None:
        weight = operation.weight.astype(np.float64).T
        bias = _bias(operation, weight.shape[1])
        if self.shape != (weight.shape[0],):
            raise UnsupportedLayerError(
                f"{operation.name} takes {weight.shape[0]} values but is given {self.shape}: "
                "flatten images, and give input_shape if it is another"
            )
        self.shape = (weight.shape[1],)
        if self._held is not None and self._held.is_dense:
            self.notes.append(
                f"{self._held.name} and {operation.name} have no ReLU between them: merged."
            )
            self._held.merge_dense(weight, bias)
            return
        self._refuse_held(operation)
        weight, bias = self._pending.into_dense(weight, bias)
        self._held = HeldLayer(name=operation.name, weight=weight, bias=bias)

    def _convolution(self, operation: Convolution) -> None:
        weight = operation.weight.astype(np.float64).transpose(2, 3, 1, 0)
        bias = _bias(operation, weight.shape[3])
        if len(self.shape) != 3 or self.shape[0] != weight.shape[2]:
            raise UnsupportedLayerError(
                f"{operation.name} takes images of {weight.shape[2]} channels but is given "
                f"{self.shape}: give input_shape=({weight.shape[2]}, height, width)"
            )
        self._refuse_held(operation)
        weight, bias = self._pending.into_convolution(operation, weight, bias)
        kernel = (weight.shape[0], weight.shape[1])
        self._resize(operation, weight.shape[3], kernel, operation.stride, operation.padding)
        self._held = HeldLayer(
            name=operation.name,
            weight=weight,
            bias=bias,
            stride=operation.stride,
            padding=operation.padding,
        )

    def _affine(self, operation: Affine) -> None:
        self.notes.append(f"{operation.name} was folded into the weights.")
        try:
            scale, shift = (
                np.broadcast_to(array.astype(np.float64), self.shape)
                for array in operation.for_dimensions(len(self.shape))
            )
        except ValueError:
            raise UnsupportedLayerError(
                f"{operation.name} has values of shape {operation.scale.shape}, which do not fit "
                f"{self.shape}: use one value, or one per feature or channel"
            ) from None
        if self._held is None:
            self._pending.compose(scale, shift)
            return
        n = len(self._held.bias)
        self._held.fold_affine(
            operation, per_channel(operation, scale, n), per_channel(operation, shift, n)
        )

    def _activation(self, operation: Activation) -> None:
        if operation.kind != "ReLU":
            raise refused_activation(operation)
        if self._held is not None:
            self._emit_held(self._held)
        elif not self._rectified or self._pending.is_scaled:
            raise UnsupportedLayerError(
                f"{operation.name} has no weighted layer right before it: put a Linear or Conv2d "
                "layer there"
            )

    def _pooling(self, operation: Pooling) -> None:
        if len(self.shape) != 3:
            raise UnsupportedLayerError(
                f"{operation.name} needs an image, but is given {self.shape}: "
                "give input_shape=(channels, height, width), or flatten after it"
            )
        kernel = operation.kernel or (self.shape[1], self.shape[2])
        stride = operation.stride if operation.kernel else (1, 1)
        channels = self.shape[0]
        self._resize(operation, channels, kernel, stride, operation.padding)
        if operation.maximum:
            self._max_pooling(operation, channels)
        elif self._held is None:
            self._pending.pool(operation, self.shape)
            self.layers.append(AveragePool2d(kernel=kernel, stride=stride))
        elif self._held.pools:
            self._refuse_held(operation)
        else:
            self.notes.append(f"{operation.name} was folded into {self._held.name}.")
            self._held.merge_average(kernel, stride)

    def _max_pooling(self, operation: Pooling, channels: int) -> None:
        if self._held is not None:
            self.notes.append(f"{operation.name} was moved behind the ReLU that follows it.")
            self._held.pools.append(operation)
        elif not self._rectified:
            raise UnsupportedLayerError(
                f"{operation.name} pools the input: put it after the first Conv2d"
            )
        else:
            self._pending.pool(operation, self.shape)
            self._expand(operation, channels)

    def _expand(self, operation: Pooling, channels: int) -> None:
        assert operation.kernel is not None
        layers = max_pooling_layers(
            channels,
            halves=self._pending.halves,
            kernel=operation.kernel,
            stride=operation.stride,
            padding=operation.padding,
            dtype=self._dtype,
        )
        if layers:
            self._pending.halves = len(layers[-1].bias) == 2 * channels
            self.layers += layers
            self.notes.append(
                f"{operation.name} is computed exactly by {len(layers)} ReLU convolutions: "
                "max(a, b) = relu(a - b) + relu(b); they count as operations of the source too."
            )

    def _flattening(self, operation: Flattening) -> None:
        size = int(np.prod(self.shape))
        if operation.size not in (None, size):
            raise UnsupportedLayerError(
                f"{operation.name} makes vectors of {operation.size} values, but is given "
                f"{self.shape}, which are {size}: give the input_shape it was made for"
            )
        if len(self.shape) == 1:
            return
        if self._held is None:
            self._flatten()
        else:
            self._held.flattened, self._image = True, self.shape
        self.shape = (size,)

    def _flatten(self) -> None:
        self.layers.append(Flatten())
        self._pending.flatten()

    def _emit_held(self, held: HeldLayer) -> None:
        self.layers.append(held.layer(self._dtype))
        self._held, self._rectified = None, True
        self._pending = PendingInput(self._image if held.flattened else self.shape)
        for pool in held.pools:
            self._expand(pool, len(held.bias))
        if held.flattened:
            self._flatten()

    def _refuse_held(self, operation: Operation) -> None:
        if self._held is not None:
            raise UnsupportedLayerError(
                f"{operation.name} follows {self._held.name} without a ReLU between them: "
                "put a ReLU there"
            )

    def _resize(
        self,
        operation: Operation,
        channels: int,
        kernel: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int],
    ) -> None:
        size = window_counts((self.shape[1], self.shape[2]), kernel, stride, padding)
        if min(size) < 1:
            raise UnsupportedLayerError(
                f"{operation.name} has a kernel of {kernel}, but is given an image of "
                f"{self.shape[1:]}: give the input_shape it was made for"
            )
        self.shape = (channels, *size)


def _bias(operation: Linear | Convolution, n: int) -> Doubles:
    return np.zeros(n) if operation.bias is None else operation.bias.astype(np.float64)
