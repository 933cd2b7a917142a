"""The forms in which a file has the weights of a layer."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import ModelError
from dsqn_fast.model import SpikingLayer, SpikingModel, WeightsDtype
from dsqn_fast.model.byte_weights import to_bytes
from dsqn_fast.model.layers import Weighted
from dsqn_fast.model.scaling import scaled_weights
from dsqn_fast.model_io.layout import FROM_SOURCE, INT8

StoredWeights = Callable[
    [int, str, NDArray[np.floating]], tuple[NDArray[Any] | None, dict[str, Any]]
]
"""Index of the layer, name and weights, to what the file has of them and promises in its header."""


@dataclass(frozen=True)
class Cast:
    """Numbers of a type; None leaves them as they are."""

    dtype: WeightsDtype | None

    def __call__(
        self, index: int, name: str, weight: NDArray[np.floating]
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Raises ModelError if a weight is too large."""
        if self.dtype is None:
            return weight, {"dtype": weight.dtype.name}
        with np.errstate(over="ignore", under="ignore"):
            cast = weight.astype(self.dtype)
        if not np.isfinite(cast).all():
            raise ModelError(
                f"{name} has a value of size {float(np.abs(weight).max(initial=0)):g}, but "
                f"{self.dtype} ends at {np.finfo(self.dtype).max:g}: store it with a wider "
                "weights_dtype"
            )
        return cast, {"dtype": cast.dtype.name}


class InBytes:
    """Integers of 8 bits with one exponent for each output."""

    def __call__(
        self, index: int, name: str, weight: NDArray[np.floating]
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Raises ModelError if a weight is too large."""
        try:
            values, exponents = to_bytes(weight)
        except ModelError as error:
            raise ModelError(f"{name}: {error}") from None
        return values, {"dtype": INT8, "exponents": exponents}


@dataclass(frozen=True)
class FromSource:
    """Nothing where the weights are made from the source's, else the weights as they are."""

    made: Collection[int]

    def __call__(
        self, index: int, name: str, weight: NDArray[np.floating]
    ) -> tuple[NDArray[Any] | None, dict[str, Any]]:
        """Never refuses."""
        if index in self.made:
            return None, {"dtype": FROM_SOURCE}
        return weight, {"dtype": weight.dtype.name}


def made_from_source(model: SpikingModel) -> frozenset[int]:
    """Indices of the layers whose weights are, bit for bit, those of the source, scaled."""
    source = model.source
    kinds = [_kind(layer) for layer in model.layers]
    if source is None or kinds != [type(layer) for layer in source.layers]:
        return frozenset()
    populations = [
        (index, layer)
        for index, layer in enumerate(model.layers)
        if isinstance(layer, SpikingLayer)
    ]
    shapes = [layer.connection.weight.shape for _, layer in populations]
    if shapes != [layer.weight.shape for layer in source.layers if isinstance(layer, Weighted)]:
        return frozenset()
    made = scaled_weights(source, [layer.scale for _, layer in populations])
    return frozenset(
        index
        for (index, layer), weight in zip(populations, made, strict=True)
        if weight.dtype == np.float32 and _same_bits(weight, layer.connection.weight)
    )


def _kind(layer: object) -> type[object]:
    return type(layer.connection if isinstance(layer, SpikingLayer) else layer)


def _same_bits(one: NDArray[np.floating], other: NDArray[np.floating]) -> bool:
    same = one.dtype == other.dtype and one.shape == other.shape
    return same and one.tobytes() == other.tobytes()
