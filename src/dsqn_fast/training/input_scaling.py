"""Scaling of observations as part of a network's first layer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.model import AnnModel, Dense

LEAST_SPREAD = 1e-6
"""Inputs that vary less than this share of the widest are left as they are."""


@dataclass(frozen=True, kw_only=True, eq=False)
class InputScaling:
    """Observations x become (x - mean) / scale.

    Attributes:
        mean: (n_inputs,).
        scale: (n_inputs,), above 0.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @staticmethod
    def of(observations: NDArray[Any]) -> InputScaling:
        """The scaling that gives these observations (B, n) mean 0 and variance 1."""
        values = observations.astype(np.float64)
        spread = values.std(axis=0)
        used = spread > LEAST_SPREAD * max(float(spread.max(initial=0.0)), LEAST_SPREAD)
        return InputScaling(mean=values.mean(axis=0), scale=np.where(used, spread, 1.0))

    def apply(self, observations: NDArray[Any]) -> NDArray[np.float32]:
        """Scaled observations, float32."""
        scaled = (observations - self.mean) / self.scale
        return scaled.astype(np.float32)

    def fold(self, ann: AnnModel) -> AnnModel:
        """From a network of scaled observations to the same function of plain ones."""
        return replace(ann, layers=(self.fold_layer(_first(ann)), *ann.layers[1:]))

    def fold_layer(self, first: Dense) -> Dense:
        """From a first layer that takes scaled observations to one of plain ones, float32."""
        weight = first.weight.astype(np.float64) / self.scale[:, np.newaxis]
        return _float32(weight, first.bias - self.mean @ weight)

    def unfold(self, ann: AnnModel) -> AnnModel:
        """From a network of plain observations to the same function of scaled ones."""
        first = _first(ann)
        weight = first.weight.astype(np.float64)
        plain = _float32(weight * self.scale[:, np.newaxis], first.bias + self.mean @ weight)
        return replace(ann, layers=(plain, *ann.layers[1:]))


def _first(ann: AnnModel) -> Dense:
    first = ann.layers[0]
    assert isinstance(first, Dense)
    return first


def _float32(weight: NDArray[Any], bias: NDArray[Any]) -> Dense:
    return Dense(weight=weight.astype(np.float32), bias=bias.astype(np.float32))
