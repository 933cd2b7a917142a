"""A `SourceNetwork` as an `AnnModel`."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import DTypeLike

from dsqn_fast.errors import ModelError, UnsupportedLayerError
from dsqn_fast.importers.input_shapes import infer_input_shape
from dsqn_fast.importers.lowering import Lowering
from dsqn_fast.importers.operations import Activation, Convolution, Linear, Operation, SourceNetwork
from dsqn_fast.importers.refusals import OUTPUT_ACTIVATIONS
from dsqn_fast.model import AnnModel
from dsqn_fast.model.layers import Shape

MAX_INPUTS = 2**24
"""Most values of one observation; a source that states more is damaged."""


def build_ann(network: SourceNetwork) -> AnnModel:
    """The network with everything linear folded into weights of float32 or float64.

    Raises:
        UnsupportedLayerError: A layer cannot be taken over; the message names it.
        OptionError: The input shape does not follow from the weights.
        ModelError: Weights are not finite.
    """
    operations, notes = _without_output_activation(network)
    shape, note = known_input_shape(network)
    notes += [note] if note else []
    lowering = Lowering(shape, _dtype(operations))
    for operation in operations:
        lowering.apply(operation)
    layers = lowering.finish()
    return AnnModel(
        layers=layers,
        input_shape=(shape[1], shape[2], shape[0]) if len(shape) == 3 else shape,
        channels_first=len(shape) == 3 and network.channels_first,
        env_id=network.env_id,
        preprocessing=network.preprocessing,
        provenance={**network.provenance, "notes": [*notes, *lowering.notes]},
    )


def known_input_shape(network: SourceNetwork) -> tuple[Shape, str | None]:
    """The shape that the source states or that follows from its weights, and a note.

    Returns:
        (n,) or (channels, height, width); the note says where there was a choice.

    Raises:
        OptionError: It does not follow from the weights.
        ModelError: It is too large, or neither a vector nor an image.
    """
    shape = network.input_shape
    if shape is not None:
        if math.prod(shape) > MAX_INPUTS:
            raise ModelError(f"observations of {shape} are more than {MAX_INPUTS} values")
        if len(shape) not in (1, 3):
            raise ModelError(
                f"observations of shape {shape} are neither vectors nor images: train on flat "
                "ones (gymnasium.wrappers.FlattenObservation)"
            )
        return shape, None
    return infer_input_shape(network.operations)


def _without_output_activation(network: SourceNetwork) -> tuple[list[Operation], list[str]]:
    operations, notes = list(network.operations), list(network.notes)
    last = operations[-1] if operations else None
    if last is None or not any(isinstance(op, Linear | Convolution) for op in operations):
        raise UnsupportedLayerError(
            "the source has no Linear or Conv2d layer: give a network that has at least one"
        )
    if isinstance(last, Activation) and last.kind in OUTPUT_ACTIVATIONS:
        operations.pop()
        notes.append(f"{last.name} at the end was left out: it does not change the best action.")
    return operations, notes


def _dtype(operations: list[Operation]) -> DTypeLike:
    weighted = [op.weight for op in operations if isinstance(op, Linear | Convolution)]
    return np.float64 if any(array.dtype == np.float64 for array in weighted) else np.float32
