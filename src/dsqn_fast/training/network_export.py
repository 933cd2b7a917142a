"""From torch tensors to a source network of plain arrays, and to its bare weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dsqn_fast.model import AnnModel, Dense
from dsqn_fast.training.input_scaling import InputScaling


def export_network(
    modules: Iterable[torch.nn.Module],
    *,
    scaling: InputScaling,
    env_id: str | None,
    provenance: Mapping[str, Any],
) -> AnnModel:
    """The network f((x - mean) / scale) as an `AnnModel` of float32 arrays.

    Args:
        modules: Its linear layers, in order; ReLU stands between them and is skipped here.
        scaling: What was done to the observations that it saw.
        env_id: Environment that it was trained on.
        provenance: How it was trained.
    """
    layers = tuple(
        Dense(
            weight=module.weight.detach().numpy().T.copy(),
            bias=module.bias.detach().numpy().copy(),
        )
        for module in modules
        if isinstance(module, torch.nn.Linear)
    )
    ann = AnnModel(
        layers=layers, input_shape=scaling.mean.shape, env_id=env_id, provenance=provenance
    )
    return scaling.fold(ann)


def plain_arrays(ann: AnnModel) -> dict[str, NDArray[np.floating]]:
    """Weights and biases of a dense network under the names w0, b0, w1, ..."""
    arrays = {}
    for index, layer in enumerate(ann.layers):
        assert isinstance(layer, Dense)
        arrays[f"w{index}"], arrays[f"b{index}"] = layer.weight, layer.bias
    return arrays


def from_plain_arrays(
    arrays: Mapping[str, NDArray[np.floating]],
    *,
    env_id: str | None,
    provenance: Mapping[str, Any],
) -> AnnModel:
    """The network of `plain_arrays`."""
    layers = tuple(
        Dense(weight=arrays[f"w{index}"], bias=arrays[f"b{index}"])
        for index in range(len(arrays) // 2)
    )
    return AnnModel(
        layers=layers,
        input_shape=(layers[0].weight.shape[0],),
        env_id=env_id,
        provenance=provenance,
    )
