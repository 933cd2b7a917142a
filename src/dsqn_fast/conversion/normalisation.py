"""Rules that give every layer its scale lambda: the activation that a rate of 1 stands for.

Weights and biases become ``W * lambda_before / lambda`` and ``b / lambda``, lambda_0 = 1
(`dsqn_fast.conversion.scaling`). The last layer always has one scale for all its outputs: its
argmax is the action.

    none             1
    model            bound of the activations for inputs within [-1, 1], by the weights alone
                     (Diehl et al. 2015)
    data             largest activation (Diehl et al. 2015)
    robust           p-quantile of all activations of the layer (Rueckauer et al. 2017)
    channel          p-quantile per neuron or convolution channel, p = 1 the maximum, at least
                     1e-3 of the layer's largest scale
    thesis-robust    max(entry int(p * (B - 1)) of the sorted largest activations per
                     observation, largest weight, largest bias); p = 1: the thesis's ``data``
    thesis-model     max(bound by the weights as in ``model``, but of every layer's unscaled
                     weights, largest weight, largest bias)  (both: Hahn 2020)

``search``, ``spike-norm`` and ``local-threshold`` have files of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.conversion.activations import LayerActivations, weighted_layers
from dsqn_fast.errors import OptionError
from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.layers import Weighted

Floats = NDArray[np.floating]
CHANNEL_FLOOR: Final = 1e-3
"""Smallest scale of a channel, as a share of the layer's largest."""


def layer_scales(
    ann: AnnModel,
    rule: str,
    activations: tuple[LayerActivations, ...] | None,
    *,
    percentile: float = 0.999,
) -> tuple[Floats, ...]:
    """Scale of every weighted layer, () or (channels,), float32 or float64 as its weights.

    Args:
        ann: The source network.
        rule: One of the rules above.
        activations: On calibration observations; not needed by the rules that look at the
            weights only.
        percentile: p of the rules with a quantile.

    Raises:
        OptionError: The rule is unknown, or needs activations and is given none.
    """
    if rule in _BY_WEIGHTS:
        scales = _BY_WEIGHTS[rule](ann)
    elif rule in _BY_ACTIVATIONS:
        if activations is None:
            raise OptionError(f"normalization {rule!r} needs calibration observations")
        scales = [
            _BY_ACTIVATIONS[rule](layer, seen, percentile, place == len(activations) - 1)
            for place, ((_, layer), seen) in enumerate(
                zip(weighted_layers(ann), activations, strict=True)
            )
        ]
    else:
        known = ", ".join([*_BY_WEIGHTS, *_BY_ACTIVATIONS])
        raise OptionError(f"no rule {rule!r} gives scales directly: use one of {known}")
    return tuple(
        _positive(scale).astype(layer.weight.dtype)
        for scale, (_, layer) in zip(scales, weighted_layers(ann), strict=True)
    )


def _positive(scale: Floats) -> Floats:
    """A layer that is silent on all observations keeps its weights: scale 1 instead of 0."""
    return np.where(scale > 0, scale, 1.0)


def _bounds(layer: Weighted, inputs: float) -> tuple[float, float]:
    """Largest output and largest -output for inputs within [0, inputs]; zero at the least."""
    rows = layer.weight.reshape(-1, layer.weight.shape[-1]).astype(np.float64)
    bias = layer.bias.astype(np.float64)
    above = inputs * np.maximum(rows, 0).sum(axis=0) + np.maximum(bias, 0)
    below = inputs * np.maximum(-rows, 0).sum(axis=0) + np.maximum(-bias, 0)
    return float(above.max()), float(below.max())


def _none(ann: AnnModel) -> list[Floats]:
    return [np.ones(()) for _ in weighted_layers(ann)]


def _model(ann: AnnModel) -> list[Floats]:
    layers, scales, before = weighted_layers(ann), [], 1.0
    for place, (_, layer) in enumerate(layers):
        above, below = _bounds(layer, before)
        before = max(above, below) if place == len(layers) - 1 else above
        scales.append(np.asarray(before))
    return scales


def _thesis_model(ann: AnnModel) -> list[Floats]:
    return [_thesis_floor(layer, _bounds(layer, 1.0)[0]) for _, layer in weighted_layers(ann)]


def _thesis_floor(layer: Weighted, value: float) -> Floats:
    return np.asarray(max(value, float(layer.weight.max()), float(layer.bias.max())))


def _thesis_robust(
    layer: Weighted, seen: LayerActivations, percentile: float, last: bool
) -> Floats:
    ordered = np.sort(seen.observation_maximum)
    value = ordered[int(percentile * (len(ordered) - 1))]
    return _thesis_floor(layer, float(value))


def _data(layer: Weighted, seen: LayerActivations, percentile: float, last: bool) -> Floats:
    return np.asarray(seen.largest_magnitude if last else seen.maximum.max())


def _robust(layer: Weighted, seen: LayerActivations, percentile: float, last: bool) -> Floats:
    if percentile == 1:
        return _data(layer, seen, percentile, last)
    values = np.abs(seen.sample) if last else seen.sample
    return np.asarray(np.quantile(values, percentile))


def _channel(layer: Weighted, seen: LayerActivations, percentile: float, last: bool) -> Floats:
    if last:
        return _robust(layer, seen, percentile, last)
    quantile = seen.channel_quantile(percentile)
    scale = np.maximum(quantile, CHANNEL_FLOOR * quantile.max())
    return np.where(scale > 0, scale, 1.0)


_BY_WEIGHTS: Final[dict[str, Callable[[AnnModel], list[Floats]]]] = {
    "none": _none,
    "model": _model,
    "thesis-model": _thesis_model,
}
_BY_ACTIVATIONS: Final[dict[str, Callable[[Weighted, LayerActivations, float, bool], Floats]]] = {
    "data": _data,
    "robust": _robust,
    "channel": _channel,
    "thesis-robust": _thesis_robust,
}
WEIGHT_RULES: Final = tuple(_BY_WEIGHTS)
DIRECT_RULES: Final = (*_BY_WEIGHTS, *_BY_ACTIVATIONS)
