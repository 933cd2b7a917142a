"""Layers one after the other, and the shapes between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

from dsqn_fast.errors import ModelError
from dsqn_fast.model.checks import MAX_LAYER_SIZE, shown
from dsqn_fast.model.layers import Shape


class HasOutputShape(Protocol):
    """Any layer, of a source network or of a spiking one."""

    def output_shape(self, input_shape: Shape, /) -> Shape:
        """Shape of the outputs for inputs of ``input_shape`` (without batch)."""


def check_layers(layers: object, kinds: tuple[type[Any], ...]) -> tuple[Any, ...]:
    """Return a tuple or list of layers as a tuple.

    Raises:
        ModelError: It is neither, or one of its items is none of ``kinds``.
    """
    if not isinstance(layers, tuple | list):
        raise ModelError(f"layers must be a tuple of layers, not {shown(layers)}")
    names = ", ".join(kind.__name__ for kind in kinds)
    for index, layer in enumerate(layers):
        if not isinstance(layer, kinds):
            raise ModelError(f"layer {index} must be one of {names}, not {shown(layer)}")
    return tuple(layers)


def chain_shapes(input_shape: Shape, layers: Sequence[HasOutputShape]) -> tuple[Shape, ...]:
    """Shape (without batch) of the input and of every layer's output, in order.

    Raises:
        ModelError: A layer does not fit the one before, or has too many values to simulate.
    """
    shapes = [input_shape]
    for index, layer in enumerate(layers):
        try:
            shapes.append(layer.output_shape(shapes[-1]))
        except ModelError as error:
            raise ModelError(f"layer {index}: {error}") from None
    for shape in shapes:
        if math.prod(shape) > MAX_LAYER_SIZE:
            raise ModelError(f"{shape} is more than {MAX_LAYER_SIZE} values in one layer")
    return tuple(shapes)
