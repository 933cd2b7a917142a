"""Scales balanced locally, by forward passes of the source network alone.

Of the kind of Bu et al. 2025 (local threshold balancing): every channel's threshold is moved so
that the layer's own error is small, without a backward pass. The error is that of the rate
function of an integrate-and-fire neuron that starts at half its threshold (Bu et al. 2022)::

    r(a) = lambda / T * clip(floor(a * T / lambda + 1/2), 0, T)
    lambda = argmin mean (a - r(a))^2

It weighs clipping (lambda too small) against quantisation (too large). For given spike counts
n(a) the best lambda is T * sum(a * n) / sum(n^2); counts and lambda are improved in turn, from
the largest activation downwards, and the error can only fall.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.conversion.activations import LayerActivations
from dsqn_fast.conversion.normalisation import CHANNEL_FLOOR

Floats = NDArray[np.floating]
ROUNDS = 10
ROWS = 4_000
"""Rows of a layer's sample that are looked at."""


def local_threshold_scales(
    activations: tuple[LayerActivations, ...], *, n_steps: int
) -> tuple[Floats, ...]:
    """Scales of all weighted layers: per channel, of the last layer one for all outputs.

    Args:
        activations: On calibration observations.
        n_steps: Time steps T per decision.

    Returns:
        Arrays (channels,), the last one ().
    """
    scales = [_balanced(seen, n_steps) for seen in activations[:-1]]
    last = activations[-1]
    output = np.asarray(last.largest_magnitude or 1.0)
    return (*scales, output.astype(last.sample.dtype))


def _balanced(seen: LayerActivations, n_steps: int) -> Floats:
    step = -(-len(seen.sample) // ROWS)
    values = seen.sample[::step].astype(np.float64)
    largest = np.maximum(seen.maximum, CHANNEL_FLOOR * seen.maximum.max()).astype(np.float64)
    scale = np.where(largest > 0, largest, 1.0)
    floor = CHANNEL_FLOOR * scale.max()
    for _ in range(ROUNDS):
        counts = np.clip(np.floor(values * (n_steps / scale) + 0.5), 0, n_steps)
        squares = (counts**2).sum(axis=0)
        best = n_steps * (values * counts).sum(axis=0) / np.maximum(squares, 1)
        improved = np.where(squares > 0, np.maximum(best, floor), scale)
        if np.allclose(improved, scale, rtol=1e-6):
            break
        scale = improved
    return scale.astype(seen.sample.dtype)
