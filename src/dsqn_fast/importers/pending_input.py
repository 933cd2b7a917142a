"""What still has to be folded into the weights of the layer that comes next."""

from __future__ import annotations

import numpy as np

from dsqn_fast.errors import UnsupportedLayerError
from dsqn_fast.importers.held_layer import Doubles
from dsqn_fast.importers.operations import Affine, Convolution, Operation, Pooling
from dsqn_fast.model.layers import Shape


class PendingInput:
    """How the value that the source has follows from the value that the model's layers have.

    The source's value is ``scale * value + shift``, where the model's value may be an image
    flattened with channels last, or two halves of channels to be summed.

    Attributes:
        scale: Shape of the source's value, (n,) or (channels, height, width).
        shift: Likewise.
        halves: The model's value has twice the channels, to be summed (`max_pooling`).
    """

    def __init__(self, shape: Shape) -> None:
        self.scale: Doubles = np.ones(shape)
        self.shift: Doubles = np.zeros(shape)
        self.halves = False
        self._image: Shape | None = None

    @property
    def is_scaled(self) -> bool:
        """Whether scale and shift change anything."""
        return bool((self.scale != 1).any() or (self.shift != 0).any())

    def compose(self, scale: Doubles, shift: Doubles) -> None:
        """Apply another scale and shift, shaped like the source's value."""
        self.scale = self.scale * scale
        self.shift = self.shift * scale + shift

    def flatten(self) -> None:
        """The image becomes a vector: the source's with channels first, the model's last."""
        self._image = self.scale.shape
        self.scale, self.shift = self.scale.reshape(-1), self.shift.reshape(-1)

    def pool(self, operation: Pooling, shape: Shape) -> None:
        """Exchange with a pooling to (channels, height, width).

        Raises:
            UnsupportedLayerError: The values differ within a channel, or a maximum is to be
                exchanged with a negative scale.
        """
        if not self.is_scaled:
            self.scale, self.shift = np.ones(shape), np.zeros(shape)
            return
        scale, shift = (
            per_channel(operation, array, shape[0])[:, np.newaxis, np.newaxis]
            for array in (self.scale, self.shift)
        )
        if operation.maximum and (scale < 0).any():
            raise UnsupportedLayerError(
                f"{operation.name} follows a negative scale (batch normalisation), with which a "
                "maximum cannot be exchanged: put the normalisation before the ReLU"
            )
        self.scale, self.shift = np.broadcast_to(scale, shape), np.broadcast_to(shift, shape)

    def into_dense(self, weight: Doubles, bias: Doubles) -> tuple[Doubles, Doubles]:
        """Weight (n_in, n_out) and bias of the source, for the model's value."""
        bias = bias + self.shift @ weight
        weight = weight * self.scale[:, np.newaxis]
        if self._image is not None:
            image = weight.reshape(*self._image, weight.shape[1])
            if self.halves:
                image = np.concatenate([image, image])
            weight = image.transpose(1, 2, 0, 3).reshape(-1, weight.shape[1])
        return weight, bias

    def into_convolution(
        self, operation: Convolution, weight: Doubles, bias: Doubles
    ) -> tuple[Doubles, Doubles]:
        """Weight (height, width, channels in, channels out) and bias, for the model's value.

        Raises:
            UnsupportedLayerError: The values differ within a channel, or a shift would have to
                pass the zeros of a padding.
        """
        if self.is_scaled:
            channels = weight.shape[2]
            scale = per_channel(operation, self.scale, channels)
            shift = per_channel(operation, self.shift, channels)
            if (shift != 0).any() and operation.padding != (0, 0):
                raise UnsupportedLayerError(
                    f"{operation.name} pads with zeros of {operation.padding} a value that is "
                    "shifted before: put the normalisation after the convolution, or use padding 0"
                )
            bias = bias + np.einsum("hwio,i->o", weight, shift)
            weight = weight * scale[:, np.newaxis]
        if self.halves:
            weight = np.concatenate([weight, weight], axis=2)
        return weight, bias


def per_channel(operation: Operation | Affine, values: Doubles, n: int) -> Doubles:
    """One value per output or channel, (n,), of values that are equal within each channel.

    Raises:
        UnsupportedLayerError: They are not.
    """
    rows = values.reshape(n, -1)
    if not (rows == rows[:, :1]).all():
        raise UnsupportedLayerError(
            f"{operation.name} meets a different scale or shift per pixel: use one per channel"
        )
    return rows[:, 0]
