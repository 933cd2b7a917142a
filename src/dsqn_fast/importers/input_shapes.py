"""The input shape of a network whose source does not state it."""

from __future__ import annotations

from collections.abc import Sequence

from dsqn_fast.errors import OptionError
from dsqn_fast.importers.operations import (
    Convolution,
    Flattening,
    Linear,
    Operation,
    Pair,
    Pooling,
)
from dsqn_fast.model.layers import Shape

USUAL_IMAGE = 84
"""Height and width of the images of Mnih et al. 2015, which most agents on images take."""


def infer_input_shape(operations: Sequence[Operation]) -> tuple[Shape, str | None]:
    """Input shape, (n,) or (channels, height, width), and a note where it was a choice.

    A dense network takes what its first layer takes. Of square images, those count that give
    the first dense layer as many values as it has inputs: the only one, or 84 x 84 if among
    several.

    Raises:
        OptionError: It does not follow from the weights.
    """
    first = next((op for op in operations if isinstance(op, Linear | Convolution)), None)
    if first is None:
        raise OptionError("the source has no weighted layer from which input_shape follows")
    if isinstance(first, Linear):
        return (int(first.weight.shape[1]),), None
    channels = int(first.weight.shape[1])
    sizes = [n for n in range(1, 257) if _fits(operations, (channels, n, n))]
    if len(sizes) == 1:
        return (channels, sizes[0], sizes[0]), None
    if USUAL_IMAGE in sizes and any(isinstance(op, Linear) for op in operations):
        return (channels, USUAL_IMAGE, USUAL_IMAGE), (
            f"Images of {USUAL_IMAGE} x {USUAL_IMAGE} were assumed; the weights also fit squares "
            f"of {', '.join(str(n) for n in sizes if n != USUAL_IMAGE)}."
        )
    found = f"{len(sizes)} sizes of square images fit" if sizes else "no square image fits"
    raise OptionError(
        f"{first.name} takes images of {channels} channels, but {found}: "
        f"give input_shape=({channels}, height, width)"
    )


def window_counts(size: Pair, kernel: Pair, stride: Pair, padding: Pair) -> Pair:
    """Rows and columns of windows in an image of ``size``."""
    rows, columns = (
        (size[axis] + 2 * padding[axis] - kernel[axis]) // stride[axis] + 1 for axis in (0, 1)
    )
    return rows, columns


def _fits(operations: Sequence[Operation], image: tuple[int, int, int]) -> bool:
    channels, size = image[0], (image[1], image[2])
    for operation in operations:
        if isinstance(operation, Linear):
            return bool(channels * size[0] * size[1] == operation.weight.shape[1])
        if isinstance(operation, Flattening) and operation.size is not None:
            return channels * size[0] * size[1] == operation.size
        if isinstance(operation, Convolution):
            channels = operation.weight.shape[0]
            kernel = (operation.weight.shape[2], operation.weight.shape[3])
            size = window_counts(size, kernel, operation.stride, operation.padding)
        elif isinstance(operation, Pooling):
            kernel = operation.kernel or size
            size = window_counts(size, kernel, operation.stride, operation.padding)
        if min(size) < 1:
            return False
    return True
