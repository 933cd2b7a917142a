"""What a policy and this installation are, as JSON values."""

from __future__ import annotations

import importlib.util
import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.model.layers import AveragePool2d, Conv2d, Flatten
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.model.spiking_layer import SpikingLayer

EXTRAS: Final[Mapping[str, tuple[str, ...]]] = {
    "train": ("torch", "stable_baselines3"),
    "onnx": ("onnx",),
    "nir": ("nir",),
    "plot": ("matplotlib",),
    "search": ("optuna",),
    "study": ("joblib", "matplotlib"),
    "cluster": ("ray",),
}
"""Optional extra -> modules that it brings."""


def describe_installation() -> dict[str, Any]:
    """Version, instruction sets and which optional extras can be imported."""
    from dsqn_fast.engine import active_isa, available_isas
    from dsqn_fast.version import package_version

    present = {
        extra: all(importlib.util.find_spec(module) is not None for module in modules)
        for extra, modules in EXTRAS.items()
    }
    return {
        "version": package_version(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "isa": active_isa(),
        "available_isas": list(available_isas()),
        "extras_installed": [extra for extra, there in present.items() if there],
        "extras_missing": [extra for extra, there in present.items() if not there],
    }


def describe_policy(model: SpikingModel) -> dict[str, Any]:
    """Layers, dynamics, environment and origin of a policy."""
    shapes = model.shapes()
    return {
        "env_id": model.env_id,
        "preprocessing": model.preprocessing,
        "observation_shape": list(model.input_shape),
        "channels_first": model.channels_first,
        "actions": model.n_outputs,
        "n_steps": model.n_steps,
        "timing": model.timing,
        "encoding": model.encoding,
        "decoding": model.decoding,
        "two_output_neurons": model.two_output_neurons,
        "neuron": asdict(model.neuron),
        "early_exit": None if model.early_exit is None else asdict(model.early_exit),
        "has_source": model.source is not None,
        "neurons": sum(
            int(np.prod(shape))
            for layer, shape in zip(model.layers, shapes[1:], strict=True)
            if isinstance(layer, SpikingLayer)
        ),
        "provenance": dict(model.provenance),
        "layers": [
            _describe_layer(layer, shape)
            for layer, shape in zip(model.layers, shapes[1:], strict=True)
        ],
    }


def _describe_layer(
    layer: SpikingLayer | AveragePool2d | Flatten, shape: tuple[int, ...]
) -> dict[str, Any]:
    described: dict[str, Any] = {"kind": _kind(layer), "shape": " x ".join(map(str, shape))}
    if not isinstance(layer, SpikingLayer):
        nothing = dict.fromkeys(("dtype", "threshold", "initial_potential", "scale"), "-")
        return {**described, "parameters": 0, **nothing}
    weight, bias = layer.connection.weight, layer.connection.bias
    described["parameters"] = int(weight.size + bias.size)
    described["dtype"] = str(weight.dtype)
    for name in ("threshold", "initial_potential", "scale"):
        described[name] = _range(getattr(layer, name))
    return described


def _kind(layer: SpikingLayer | AveragePool2d | Flatten) -> str:
    if isinstance(layer, Flatten):
        return "flatten"
    if isinstance(layer, AveragePool2d):
        return f"average pool {layer.kernel[0]} x {layer.kernel[1]}"
    connection = layer.connection
    if isinstance(connection, Conv2d):
        return "convolution {} x {}".format(*connection.weight.shape[:2])
    return "dense"


def _range(values: NDArray[np.floating]) -> str:
    low, high = (f"{end:.4g}" for end in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"


def text_rows(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Rows (name, text) of nested JSON values; inner names follow outer ones after a point.

    Strings that a terminal could take as commands are shown as JSON escapes.
    """
    for key, value in data.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from text_rows(value, f"{name}.")
        elif isinstance(value, str) and value.isprintable():
            yield name if name.isprintable() else json.dumps(name), value
        else:
            yield name if name.isprintable() else json.dumps(name), json.dumps(value)
