"""From torch modules to a source network of plain arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch

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
            weight=module.weight.detach().cpu().numpy().T.copy(),
            bias=module.bias.detach().cpu().numpy().copy(),
        )
        for module in modules
        if isinstance(module, torch.nn.Linear)
    )
    ann = AnnModel(
        layers=layers, input_shape=scaling.mean.shape, env_id=env_id, provenance=provenance
    )
    return scaling.fold(ann)
