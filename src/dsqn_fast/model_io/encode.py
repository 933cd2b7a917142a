"""A model as a header and arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import ModelError
from dsqn_fast.model import (
    AnnModel,
    AveragePool2d,
    Connection,
    Flatten,
    SpikingLayer,
    SpikingModel,
    WeightsDtype,
)
from dsqn_fast.model_io.layout import (
    ANN_FIELDS,
    CONNECTION_ARRAYS,
    EARLY_EXIT_FIELDS,
    FORMAT,
    KINDS,
    MODEL_FIELDS,
    NEURON_ARRAYS,
    NEURON_FIELDS,
    OPTIONS,
    VERSION,
    WEIGHTED,
)

Arrays = dict[str, NDArray[np.floating]]


def encode_model(
    model: SpikingModel, weights_dtype: WeightsDtype | None
) -> tuple[dict[str, Any], Arrays]:
    """Return the header and the arrays by name.

    Raises:
        ModelError: A weight is too large for ``weights_dtype``.
    """
    arrays: Arrays = {}
    header: dict[str, Any] = {"format": FORMAT, "version": VERSION}
    header |= _fields(model, MODEL_FIELDS)
    header["neuron"] = _fields(model.neuron, NEURON_FIELDS)
    early = model.early_exit
    header["early_exit"] = None if early is None else _fields(early, EARLY_EXIT_FIELDS)
    header["layers"] = _encode_layers(model.layers, "layer", arrays, weights_dtype)
    header["source"] = None
    if model.source is not None:
        header["source"] = _encode_source(model.source, arrays, weights_dtype)
    return header, arrays


def _encode_source(
    source: AnnModel, arrays: Arrays, weights_dtype: WeightsDtype | None
) -> dict[str, Any]:
    layers = _encode_layers(source.layers, "source.layer", arrays, weights_dtype)
    return {**_fields(source, ANN_FIELDS), "layers": layers}


def _fields(value: object, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names}


def _encode_layers(
    layers: tuple[SpikingLayer | Connection, ...],
    prefix: str,
    arrays: Arrays,
    weights_dtype: WeightsDtype | None,
) -> list[dict[str, Any]]:
    described = []
    for index, layer in enumerate(layers):
        connection = layer.connection if isinstance(layer, SpikingLayer) else layer
        word = next(word for word, kind in KINDS.items() if type(connection) is kind)
        entry: dict[str, Any] = {"kind": word, **_fields(connection, OPTIONS[word])}
        for name in _array_names(layer, word):
            owner = connection if name in CONNECTION_ARRAYS else layer
            array = getattr(owner, name)
            if name == "weight" and weights_dtype is not None:
                array = _cast(array, weights_dtype, f"{prefix}{index}.weight")
            entry[name] = {"shape": array.shape, "dtype": array.dtype.name}
            arrays[f"{prefix}{index}.{name}"] = array
        described.append(entry)
    return described


def _array_names(layer: SpikingLayer | Connection, word: str) -> tuple[str, ...]:
    if isinstance(layer, AveragePool2d | Flatten):
        return ()
    assert word in WEIGHTED
    return CONNECTION_ARRAYS + (NEURON_ARRAYS if isinstance(layer, SpikingLayer) else ())


def _cast(array: NDArray[np.floating], dtype: WeightsDtype, name: str) -> NDArray[np.floating]:
    largest = float(np.abs(array).max(initial=0))
    with np.errstate(over="ignore", under="ignore"):
        cast: NDArray[np.floating] = array.astype(dtype)
    if not np.isfinite(cast).all():
        raise ModelError(
            f"{name} has a value of size {largest:g}, but {dtype} ends at "
            f"{np.finfo(dtype).max:g}: store it with a wider weights_dtype"
        )
    return cast
