"""A model as a header and arrays."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from dsqn_fast.errors import ModelError
from dsqn_fast.model import (
    AveragePool2d,
    Connection,
    Flatten,
    SpikingLayer,
    SpikingModel,
    WeightsDtype,
)
from dsqn_fast.model_io.layout import (
    ANN_FIELDS,
    BYTES_VERSION,
    CONNECTION_ARRAYS,
    EARLY_EXIT_FIELDS,
    FORMAT,
    INT8,
    KINDS,
    MODEL_FIELDS,
    NEURON_ARRAYS,
    NEURON_FIELDS,
    OPTIONS,
    VERSION,
    WEIGHTED,
)
from dsqn_fast.model_io.stored_weights import (
    Cast,
    FromSource,
    InBytes,
    StoredWeights,
    made_from_source,
)

Arrays = dict[str, NDArray[Any]]


def encode_model(
    model: SpikingModel, weights_dtype: WeightsDtype | None
) -> tuple[dict[str, Any], Arrays]:
    """Return the header and the arrays by name.

    Raises:
        ModelError: A weight is too large for ``weights_dtype``, or there is no source to round.
    """
    source, arrays = model.source, Arrays()
    in_bytes = weights_dtype == INT8
    if in_bytes and source is None:
        raise ModelError(
            "weights_dtype int8 rounds the weights of the source, but the model has none: "
            "choose float16"
        )
    header: dict[str, Any] = {"format": FORMAT, "version": BYTES_VERSION if in_bytes else VERSION}
    header |= _fields(model, MODEL_FIELDS)
    header["neuron"] = _fields(model.neuron, NEURON_FIELDS)
    early = model.early_exit
    header["early_exit"] = None if early is None else _fields(early, EARLY_EXIT_FIELDS)
    made = made_from_source(model) if in_bytes else frozenset()
    stored: StoredWeights = FromSource(made) if in_bytes else Cast(weights_dtype)
    header["layers"] = _encode_layers(model.layers, "layer", arrays, stored)
    header["source"] = None
    if source is not None:
        stored = InBytes() if in_bytes else Cast(weights_dtype)
        layers = _encode_layers(source.layers, "source.layer", arrays, stored)
        header["source"] = {**_fields(source, ANN_FIELDS), "layers": layers}
    return header, arrays


def _fields(value: object, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names}


def _encode_layers(
    layers: tuple[SpikingLayer | Connection, ...],
    prefix: str,
    arrays: Arrays,
    stored: StoredWeights,
) -> list[dict[str, Any]]:
    described = []
    for index, layer in enumerate(layers):
        connection = layer.connection if isinstance(layer, SpikingLayer) else layer
        word = next(word for word, kind in KINDS.items() if type(connection) is kind)
        entry: dict[str, Any] = {"kind": word, **_fields(connection, OPTIONS[word])}
        for name in _array_names(layer, word):
            full = f"{prefix}{index}.{name}"
            array = getattr(connection if name in CONNECTION_ARRAYS else layer, name)
            kept, promise = array, {"dtype": array.dtype.name}
            if name == "weight":
                kept, promise = stored(index, full, array)
            entry[name] = {"shape": array.shape, **promise}
            if kept is not None:
                arrays[full] = kept
        described.append(entry)
    return described


def _array_names(layer: SpikingLayer | Connection, word: str) -> tuple[str, ...]:
    if isinstance(layer, AveragePool2d | Flatten):
        return ()
    assert word in WEIGHTED
    return CONNECTION_ARRAYS + (NEURON_ARRAYS if isinstance(layer, SpikingLayer) else ())
