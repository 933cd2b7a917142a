"""Limits and names of the format, shared by reading and writing.

Version 2 is version 1 and two more forms of weights: integers of 8 bits, and weights that are made
from those of the source and are not stored. Models that need neither are written as version 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from dsqn_fast.model import AveragePool2d, Connection, Conv2d, Dense, Flatten

FORMAT: Final = "dsqn-fast policy"
VERSION: Final = 1
BYTES_VERSION: Final = 2
"""Of files whose weights are integers of 8 bits or made from the source."""
INT8: Final = "int8"
"""A type of weights of a source, beside one exponent for each output: see `byte_weights`."""
FROM_SOURCE: Final = "source"
"""The type of spiking weights that are not stored: see `scaled_weights`."""

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
        dtype: ``float32`` or ``float64``; of weights also ``float16`` or ``int8``, loaded as
            float32, or ``source``, made from the source's and not stored.
        exponents: Of int8 weights, one for each output; else empty.
    """

    shape: tuple[int, ...]
    dtype: str
    exponents: tuple[int, ...] = ()

    @property
    def stored(self) -> bool:
        """Whether the file has the array."""
        return self.dtype != FROM_SOURCE

    @property
    def n_loaded_bytes(self) -> int:
        """Size of the values in memory in bytes, at most."""
        return math.prod(self.shape) * (8 if self.dtype in ("float64", FROM_SOURCE) else 4)

    @property
    def n_bytes(self) -> int:
        """Size of the stored values in bytes."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize
