"""Random models for property tests, and what it means for two models to be equal."""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import strategies as st

from dsqn_fast.model import (
    ENCODINGS,
    TIMINGS,
    AnnModel,
    AveragePool2d,
    Conv2d,
    Dense,
    EarlyExit,
    Flatten,
    Neuron,
    SpikingLayer,
    SpikingModel,
)

MODEL_CLASSES = (
    AnnModel,
    AveragePool2d,
    Conv2d,
    Dense,
    EarlyExit,
    Flatten,
    Neuron,
    SpikingLayer,
    SpikingModel,
)
FLOATS = st.sampled_from([np.float32, np.float64])
SHORT_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**200), 2**200)
    | st.floats(allow_nan=False, allow_infinity=False)
    | SHORT_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SHORT_TEXT, inner, max_size=3),
    max_leaves=8,
)
JSON_MAPPINGS = st.dictionaries(SHORT_TEXT, JSON_VALUES, max_size=3)


def models_equal(a: object, b: object) -> bool:
    """Whether two models, layers or values in them are the same to the last bit and type."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return (
            isinstance(a, np.ndarray)
            and isinstance(b, np.ndarray)
            and (a.dtype, a.shape) == (b.dtype, b.shape)
            and a.tobytes() == b.tobytes()
        )
    if type(a) is not type(b):
        return False
    if isinstance(a, MODEL_CLASSES):
        return all(models_equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(models_equal, a, b))  # type: ignore[arg-type]
    if isinstance(a, dict):
        return list(a) == list(b) and models_equal(list(a.values()), list(b.values()))  # type: ignore[call-overload, attr-defined]
    return bool(a == b)


@st.composite
def _parameters(draw: st.DrawFn, shape: tuple[int, ...]) -> dict[str, Any]:
    """Weight and bias, drawn by seed: fast, and the values themselves hide no structure."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    weight, bias = rng.normal(size=shape), rng.normal(size=shape[-1])
    return {"weight": weight.astype(draw(FLOATS)), "bias": bias.astype(draw(FLOATS))}


@st.composite
def dense_chains(draw: st.DrawFn, n_in: int | None = None) -> tuple[tuple[int, ...], list[Any]]:
    """Input shape and one to three dense layers; hidden layers may be empty."""
    width = draw(st.integers(0, 9)) if n_in is None else n_in
    hidden = draw(st.lists(st.integers(0, 9), max_size=2))
    sizes = [width, *hidden, draw(st.integers(1, 4))]
    return (width,), [Dense(**draw(_parameters(shape))) for shape in pairwise(sizes)]


def _pairs(low: int, high: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(low, high), st.integers(low, high))


@st.composite
def image_chains(draw: st.DrawFn) -> tuple[tuple[int, ...], list[Any]]:
    """Input shape, then convolutions and pooling, then flatten and dense, or a convolution."""
    shape = (draw(st.integers(4, 9)), draw(st.integers(4, 9)), draw(st.integers(1, 3)))
    layers: list[Any] = []
    current: tuple[int, ...] = shape
    for kind in draw(st.lists(st.sampled_from(["conv", "pool"]), min_size=1, max_size=3)):
        kernel = draw(_pairs(1, min(3, *current[:2])))
        if kind == "pool":
            layer: Any = AveragePool2d(kernel=kernel, stride=draw(_pairs(1, 3)))
        else:
            parameters = draw(_parameters((*kernel, current[2], draw(st.integers(1, 4)))))
            layer = Conv2d(**parameters, stride=draw(_pairs(1, 3)), padding=draw(_pairs(0, 2)))
        layers.append(layer)
        current = layer.output_shape(current)
    if isinstance(layers[-1], Conv2d) and draw(st.booleans()):
        return shape, layers
    _, head = draw(dense_chains(n_in=int(np.prod(current))))
    return shape, [*layers, Flatten(), *head]


@st.composite
def spiking_layers(draw: st.DrawFn, connection: Dense | Conv2d) -> SpikingLayer:
    """Neurons for a connection: one value for all, or one for each neuron or channel."""
    values = {}
    for name in ("threshold", "initial_potential", "scale"):
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        shape = draw(st.sampled_from([(), connection.bias.shape]))
        low = -1.0 if name == "initial_potential" else 0.1
        values[name] = np.asarray(rng.uniform(low, 2.0, size=shape)).astype(draw(FLOATS))
    return SpikingLayer(connection=connection, **values)


@st.composite
def neurons(draw: st.DrawFn, timing: str) -> Neuron:
    """Every neuron model that the timing has."""
    modes = ["binary"] if timing == "spytorch" else ["binary", "burst", "signed"]
    spikes = draw(st.sampled_from(modes))
    resets = ["subtraction", "zero"] if spikes == "binary" else ["subtraction"]
    return Neuron(
        alpha=draw(st.sampled_from([0.0, 0.5, 0.875])),
        beta=draw(st.sampled_from([1.0, 0.9, 0.5])),
        reset=draw(st.sampled_from(resets)),  # type: ignore[arg-type]
        spikes=spikes,  # type: ignore[arg-type]
        burst_limit=draw(st.integers(1, 127)),
    )


@st.composite
def ann_models(draw: st.DrawFn) -> AnnModel:
    """A random source network."""
    shape, layers = draw(dense_chains() | image_chains())
    return AnnModel(layers=tuple(layers), input_shape=shape, **draw(_metadata()))


@st.composite
def _metadata(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "channels_first": draw(st.booleans()),
        "env_id": draw(st.none() | st.sampled_from(["CartPole-v1", "ALE/Breakout-v5", "Größe-v0"])),
        "preprocessing": draw(st.none() | JSON_MAPPINGS),
        "provenance": draw(JSON_MAPPINGS),
    }


@st.composite
def spiking_models(draw: st.DrawFn) -> SpikingModel:
    """A random spiking model, with or without its source, with every option."""
    source = draw(ann_models())
    layers = [
        draw(spiking_layers(layer)) if isinstance(layer, Dense | Conv2d) else layer
        for layer in source.layers
    ]
    decoding = draw(st.sampled_from(["potential", "count", "count+potential", "first-spike"]))
    early = st.builds(EarlyExit, kappa=st.floats(0.1, 9), spread=st.floats(0.001, 9))
    timing = draw(st.sampled_from(TIMINGS))
    metadata = draw(_metadata()) | {"channels_first": source.channels_first}
    return SpikingModel(
        layers=tuple(layers),
        input_shape=source.input_shape,
        n_steps=draw(st.integers(1, 2**24)),
        neuron=draw(neurons(timing)),
        timing=timing,
        encoding=draw(st.sampled_from(ENCODINGS)),
        decoding=decoding,  # type: ignore[arg-type]
        two_output_neurons=decoding == "count" and draw(st.booleans()),
        early_exit=draw(st.none() | early) if decoding == "potential" else None,
        source=draw(st.sampled_from([None, source])),
        **metadata,
    )
