"""Batch normalisation as a scale and a shift."""

from __future__ import annotations

import numpy as np

from dsqn_fast.errors import UnsupportedLayerError
from dsqn_fast.importers.operations import Affine, Floats


def batch_norm(
    name: str,
    *,
    mean: Floats,
    variance: Floats,
    epsilon: float,
    weight: Floats | None = None,
    bias: Floats | None = None,
) -> Affine:
    """``weight * (x - mean) / sqrt(variance + epsilon) + bias``, with running statistics.

    Args:
        name: What the source calls it.
        mean: Running mean, (n,).
        variance: Running variance, (n,).
        epsilon: Added to the variance.
        weight: Learned factor (n,), or None for 1.
        bias: Learned summand (n,), or None for 0.

    Raises:
        UnsupportedLayerError: The statistics are not those of a batch normalisation.
    """
    variance = variance.astype(np.float64) + epsilon
    if not (variance > 0).all():
        raise UnsupportedLayerError(
            f"{name} has a variance of {variance.min()} with epsilon, where one above 0 is "
            "needed: train it further or remove it"
        )
    scale = 1 / np.sqrt(variance)
    if weight is not None:
        scale = scale * weight
    shift = -mean * scale
    if bias is not None:
        shift = shift + bias
    return Affine(name=name, scale=scale, shift=shift, per_channel=True)
