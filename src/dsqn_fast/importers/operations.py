"""What a source network computes, step by step, before it becomes an `AnnModel`.

Every importer writes the same few operations; `lowering` alone knows how an `AnnModel` is laid
out. Here images are (channels, height, width) and weights are laid out as in torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.model.layers import Shape

Floats = NDArray[np.floating]
Pair = tuple[int, int]


@dataclass(frozen=True, kw_only=True, eq=False)
class Operation:
    """One step of the forward pass.

    Attributes:
        name: What the source calls it, for messages: ``network.2 (Linear)``.
    """

    name: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Linear(Operation):
    """``y = weight @ x + bias``.

    Attributes:
        weight: (n_out, n_in).
        bias: (n_out,), or None for zeros.
    """

    weight: Floats
    bias: Floats | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Convolution(Operation):
    """Two-dimensional cross-correlation.

    Attributes:
        weight: (channels out, channels in, kernel height, kernel width).
        bias: (channels out,), or None for zeros.
        stride: Vertical and horizontal step.
        padding: Zeros above and below, left and right.
    """

    weight: Floats
    bias: Floats | None = None
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Affine(Operation):
    """``y = scale * x + shift``, value by value: input scaling and batch normalisation.

    Attributes:
        scale: Broadcastable to the value's shape, (n,) or (channels, height, width).
        shift: Likewise.
        per_channel: Both are (n,) values for the features of a vector or the channels of an
            image, whichever comes.
    """

    scale: Floats
    shift: Floats
    per_channel: bool = False

    def for_dimensions(self, n: int) -> tuple[Floats, Floats]:
        """Scale and shift, broadcastable to a value of ``n`` dimensions (without batch)."""
        if not self.per_channel:
            return self.scale, self.shift
        shape = (-1, *([1] * (n - 1)))
        return self.scale.reshape(shape), self.shift.reshape(shape)


@dataclass(frozen=True, kw_only=True, eq=False)
class Activation(Operation):
    """A function of every value.

    Attributes:
        kind: Its torch name: ``ReLU``, ``Tanh``, ...
        options: Settings of the torch module of that name that differ from its defaults.
    """

    kind: str = "ReLU"
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class Pooling(Operation):
    """Mean or maximum over windows.

    Attributes:
        maximum: Maximum instead of mean.
        kernel: Window height and width; None for the whole image.
        stride: Vertical and horizontal step.
        padding: Rows and columns added around the image (maximum pooling only).
    """

    maximum: bool
    kernel: Pair | None
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Flattening(Operation):
    """An image to a vector, channel by channel.

    Attributes:
        size: Number of values that the source states, or None.
    """

    size: int | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class ChannelsToFront(Operation):
    """(height, width, channels) to (channels, height, width); the first step, if any."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SourceNetwork:
    """A source network as read, with what is known about it.

    Attributes:
        operations: The forward pass, first to last.
        input_shape: (n,) or (channels, height, width), where the source says it.
        channels_first: Images arrive as (channels, height, width).
        env_id: Gymnasium environment, where the source says it.
        preprocessing: Observation preprocessing, where the source says it.
        provenance: Where it came from, JSON values only.
        notes: Sentences on what was assumed.
    """

    operations: tuple[Operation, ...]
    input_shape: Shape | None = None
    channels_first: bool = True
    env_id: str | None = None
    preprocessing: Mapping[str, Any] | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
