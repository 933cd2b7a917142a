"""Limits and names of format version 1, shared by reading and writing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from dsqn_fast.model import AveragePool2d, Connection, Conv2d, Dense, Flatten

FORMAT: Final = "dsqn-fast policy"
VERSION: Final = 1

MAX_HEADER_BYTES: Final = 2**20
"""Largest JSON header."""
MAX_UNPACKED_BYTES: Final = 2**30
"""Most bytes of all entries together, unpacked."""
MAX_EXPANSION: Final = 64
"""Most unpacked bytes per byte of the file, once they exceed ``FREE_UNPACKED_BYTES``."""
FREE_UNPACKED_BYTES: Final = 2**24
"""Unpacked bytes that are harmless however small the file is."""

KINDS: Final[dict[str, type[Connection]]] = {
    "dense": Dense,
    "conv2d": Conv2d,
    "average_pool2d": AveragePool2d,
    "flatten": Flatten,
}
"""Layers by their word in the header."""
WEIGHTED: Final = ("dense", "conv2d")
OPTIONS: Final[dict[str, tuple[str, ...]]] = {
    "dense": (),
    "conv2d": ("stride", "padding"),
    "average_pool2d": ("kernel", "stride"),
    "flatten": (),
}
CONNECTION_ARRAYS: Final = ("weight", "bias")
NEURON_ARRAYS: Final = ("threshold", "initial_potential", "scale")

ANN_FIELDS: Final = ("input_shape", "channels_first", "env_id", "preprocessing", "provenance")
"""Attributes of a source network beside its layers, under the same names in the header."""
MODEL_FIELDS: Final = (
    *ANN_FIELDS,
    "n_steps",
    "timing",
    "encoding",
    "decoding",
    "two_output_neurons",
)
"""Attributes of a spiking model that the header holds as they are."""
NEURON_FIELDS: Final = ("alpha", "beta", "reset", "spikes", "burst_limit")
EARLY_EXIT_FIELDS: Final = ("kappa", "spread")
HEADER_KEYS: Final = (
    *("format", "version"),
    *MODEL_FIELDS,
    *("neuron", "early_exit", "layers", "source"),
)


@dataclass(frozen=True)
class ArraySpec:
    """Shape and type of one array as the header promises it.

    Attributes:
        shape: Dimensions.
        dtype: ``float16`` (weights only, loaded as float32), ``float32`` or ``float64``.
    """

    shape: tuple[int, ...]
    dtype: str

    @property
    def n_bytes(self) -> int:
        """Size of the values in bytes."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize
