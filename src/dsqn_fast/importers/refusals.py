"""The sentences by which layers are refused, with what would work."""

from __future__ import annotations

from dsqn_fast.errors import UnsupportedLayerError
from dsqn_fast.importers.operations import Activation

SUPPORTED = (
    "Linear, Conv2d, ReLU, Flatten, AvgPool2d, MaxPool2d, BatchNorm, Dropout and Identity layers"
)
DISTILL = "use `--distill`, which trains a ReLU network on the agent's own visited states"

TEACHER_ACTIVATIONS = (
    "ReLU",
    "Tanh",
    "Sigmoid",
    "ELU",
    "LeakyReLU",
    "GELU",
    "SiLU",
    "SELU",
    "CELU",
    "ReLU6",
    "Hardtanh",
    "Hardswish",
    "Softplus",
    "Softsign",
    "Mish",
)
"""Activations, by their torch names, that a teacher can have with torch's own defaults."""

OUTPUT_ACTIVATIONS = ("Softmax", "LogSoftmax")
"""Activations that keep the order of the outputs, so that the last one can be left out."""


def refused_activation(operation: Activation) -> UnsupportedLayerError:
    """The error for an activation that is not ReLU."""
    return UnsupportedLayerError(
        f"{operation.name} is a {operation.kind} activation, and only ReLU can be converted: "
        f"{DISTILL}, or train the network with ReLU"
    )


def refused_layer(name: str, kind: str) -> UnsupportedLayerError:
    """The error for a layer of a kind that no importer knows."""
    return UnsupportedLayerError(
        f"{name} is a {kind} layer, which no spiking network can take over here: "
        f"use {SUPPORTED}, or {DISTILL}"
    )


def refused_setting(
    name: str, setting: str, found: object, wanted: object
) -> UnsupportedLayerError:
    """The error for a layer with a setting that cannot be taken over."""
    return UnsupportedLayerError(
        f"{name} has {setting}={found!r}, and only {wanted!r} can be converted: "
        "use that in the network that is trained"
    )
