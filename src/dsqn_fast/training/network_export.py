"""From torch tensors to a source network of plain arrays, with its scaling folded in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dsqn_fast.model import AnnModel, Dense


def export_network(
    modules: Iterable[torch.nn.Module],
    *,
    mean: NDArray[np.float64],
    scale: NDArray[np.float64],
    env_id: str | None,
    provenance: Mapping[str, Any],
) -> AnnModel:
    """The network f((x - mean) / scale) as an `AnnModel` of float32 arrays.

    Args:
        modules: Its linear layers, in order; ReLU stands between them and is skipped here.
        mean: (n_inputs,), subtracted from observations.
        scale: (n_inputs,), observations are divided by it.
        env_id: Environment that it was trained on.
        provenance: How it was trained.
    """
    linear = [module for module in modules if isinstance(module, torch.nn.Linear)]
    layers = []
    for index, module in enumerate(linear):
        weight = module.weight.detach().numpy().T.astype(np.float64)
        bias = module.bias.detach().numpy().astype(np.float64)
        if index == 0:
            weight = weight / scale[:, np.newaxis]
            bias = bias - mean @ weight
        layers.append(Dense(weight=weight.astype(np.float32), bias=bias.astype(np.float32)))
    return AnnModel(
        layers=tuple(layers), input_shape=(len(scale),), env_id=env_id, provenance=provenance
    )


def plain_arrays(ann: AnnModel) -> dict[str, NDArray[np.floating]]:
    """Weights and biases of a dense network under the names w0, b0, w1, ..."""
    arrays = {}
    for index, layer in enumerate(ann.layers):
        assert isinstance(layer, Dense)
        arrays[f"w{index}"], arrays[f"b{index}"] = layer.weight, layer.bias
    return arrays
