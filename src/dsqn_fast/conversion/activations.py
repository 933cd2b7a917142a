"""What the source network's layers do on calibration observations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.layers import Conv2d, Dense, Weighted

Floats = NDArray[np.floating]
BATCH_VALUES = 4_000_000
"""Activation values of one layer that are in memory at once."""
SAMPLE_VALUES = 8_000_000
"""Activation values per layer that quantiles are taken over; maxima are over all."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerActivations:
    """Activations of one weighted layer; of the last one the outputs, which may be negative.

    Attributes:
        sample: (n, channels) activations; of an image, of randomly chosen positions.
        maximum: (channels,) largest activation over all observations and positions.
        largest_magnitude: Largest absolute value.
        observation_maximum: (B,) largest activation of the layer, for every observation.
    """

    sample: Floats
    maximum: Floats
    largest_magnitude: float
    observation_maximum: Floats
    _channel_quantiles: dict[float, Floats] = field(default_factory=dict, repr=False)

    def channel_quantile(self, percentile: float) -> Floats:
        """(channels,) quantile of the sample; the maximum over everything for 1.

        It is kept: partial sorting is most of the cost of a conversion.
        """
        if percentile == 1:
            return self.maximum
        if percentile not in self._channel_quantiles:
            self._channel_quantiles[percentile] = np.quantile(self.sample, percentile, axis=0)
        return self._channel_quantiles[percentile]


def weighted_layers(ann: AnnModel) -> tuple[tuple[int, Weighted], ...]:
    """The layers with weights, each with its place in ``ann.layers``."""
    return tuple(
        (index, layer)
        for index, layer in enumerate(ann.layers)
        if isinstance(layer, Dense | Conv2d)
    )


def batch_size(ann: AnnModel) -> int:
    """How many observations a pass over the network may take at once."""
    widest = max(int(np.prod(shape)) for shape in ann.shapes())
    return max(1, BATCH_VALUES // max(widest, 1))


def weighted_activations(ann: AnnModel, observations: NDArray[Any]) -> tuple[Floats, ...]:
    """Output of every weighted layer after its ReLU, each (B, neurons)."""
    values = ann.activations(observations)
    return tuple(values[index].reshape(len(values[index]), -1) for index, _ in weighted_layers(ann))


def collect_activations(
    ann: AnnModel, observations: NDArray[Any], *, seed: int = 0
) -> tuple[LayerActivations, ...]:
    """Look at the activations of all weighted layers, batch by batch.

    Args:
        ann: The source network.
        observations: (B, *shape), B >= 1.
        seed: Seed of the sample of image positions.

    Raises:
        ObservationError: Observations do not fit.
    """
    rng = np.random.default_rng(seed)
    size = batch_size(ann)
    n_batches = -(-len(observations) // size)
    layers = weighted_layers(ann)
    samples: list[list[Floats]] = [[] for _ in layers]
    maxima: list[list[Floats]] = [[] for _ in layers]
    per_observation: list[list[Floats]] = [[] for _ in layers]
    smallest = [np.inf] * len(layers)
    for start in range(0, len(observations), size):
        values = ann.activations(observations[start : start + size])
        for place, (index, _) in enumerate(layers):
            value = values[index]
            rows = value.reshape(-1, value.shape[-1])
            per_observation[place].append(value.reshape(len(value), -1).max(axis=1))
            maxima[place].append(rows.max(axis=0))
            smallest[place] = min(smallest[place], float(rows.min()))
            samples[place].append(_thinned(rows, n_batches, rng))
    return tuple(
        _summary(samples[place], maxima[place], per_observation[place], smallest[place])
        for place in range(len(layers))
    )


def _thinned(rows: Floats, n_batches: int, rng: np.random.Generator) -> Floats:
    quota = max(1, SAMPLE_VALUES // (rows.shape[1] * n_batches))
    if len(rows) <= quota:
        return rows
    chosen: Floats = rows[np.sort(rng.choice(len(rows), quota, replace=False))]
    return chosen


def _summary(
    samples: list[Floats], maxima: list[Floats], per_observation: list[Floats], smallest: float
) -> LayerActivations:
    maximum: Floats = np.max(maxima, axis=0)
    return LayerActivations(
        sample=np.concatenate(samples),
        maximum=maximum,
        largest_magnitude=max(abs(smallest), abs(float(maximum.max()))),
        observation_maximum=np.concatenate(per_observation),
    )
