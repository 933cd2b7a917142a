"""What a network would decide if its hidden activations had few levels, as firing rates do."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.model import AnnModel
from dsqn_fast.model.forward import apply_layer
from dsqn_fast.model.layers import Conv2d, Dense

LEVELS: Final = 32
QUANTILE: Final = 0.999


def quantised_outputs(
    ann: AnnModel, observations: NDArray[Any], *, levels: int = LEVELS
) -> NDArray[np.float64]:
    """Outputs with every hidden activation a rounded to a multiple of its scale / levels.

    A neuron that fires at most once in each of T steps, from half a threshold on, gives in the
    mean clip(floor(a T / scale + 1/2), 0, T) * scale / T for a constant input a
    (Bu et al. 2022). The scale is a quantile of the neuron's activations here.

    Args:
        ann: A network of dense layers.
        observations: (B, n).
        levels: T.

    Returns:
        (B, n_outputs).
    """
    value = np.asarray(observations, np.float64)
    exact = ann.activations(value)
    for index, (layer, activation) in enumerate(zip(ann.layers, exact, strict=True)):
        value = np.asarray(apply_layer(layer, value), np.float64)
        if index < len(ann.layers) - 1 and isinstance(layer, Dense | Conv2d):
            value = _rounded(value, np.quantile(activation, QUANTILE, axis=0), levels)
    return value


def _rounded(
    value: NDArray[np.float64], scale: NDArray[np.floating], levels: int
) -> NDArray[np.float64]:
    used = scale > 0
    step = np.where(used, scale, 1.0) / levels
    return np.where(used, np.clip(np.floor(value / step + 0.5), 0, levels) * step, 0.0)


def quantised_agreement(
    ann: AnnModel, observations: NDArray[Any], *, levels: int = LEVELS
) -> float:
    """Share of observations with the same greedy action before and after rounding."""
    wanted = ann.forward(np.asarray(observations, np.float64)).argmax(axis=1)
    return float((quantised_outputs(ann, observations, levels=levels).argmax(1) == wanted).mean())
