"""What every layer of a converted network does, and what it loses against its source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.conversion.activations import weighted_activations, weighted_layers
from dsqn_fast.conversion.error_calibration import estimated_activation
from dsqn_fast.conversion.simulate import simulate
from dsqn_fast.conversion.whole_decisions import with_whole_decisions
from dsqn_fast.decodings import per_neuron
from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.forward import apply_layer
from dsqn_fast.model.layers import Conv2d, Dense
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.results import SimulationResult

Floats = NDArray[np.floating]
QUANTILES = (0.5, 0.9, 0.99, 0.999, 1.0)


@dataclass(frozen=True, kw_only=True)
class LayerDiagnosis:
    """One population on some states.

    Attributes:
        name: ``hidden 1``, ``hidden 2``, ... and ``output``.
        neurons: Number of neurons.
        activation_quantiles: Quantile -> activation of the converted network.
        scale: Smallest, median and largest lambda over channels; the activation that one
            spike per step stands for.
        clipped: Share of activations above what the largest rate stands for.
        silent: Share of neurons that never spike on these states; None where none may.
        silent_in_source: Share of neurons whose activation is zero on all of them.
        mean_rate: Mean spikes per neuron and step; None where none may.
        correlation: Pearson's, between activations and their estimates from spikes, over
            neurons and states; None where either is constant.
        relative_error: Root mean square of estimate minus activation, over that of the
            activation.
        agreement: Share of actions equal to the source's if the layers up to this one spike and
            the rest is computed exactly from their rates.
        agreement_lost: By how much that is less than for the layer before, and for the first
            layer less than the converted network's own.
    """

    name: str
    neurons: int
    activation_quantiles: dict[str, float]
    scale: tuple[float, float, float]
    clipped: float
    silent: float | None
    silent_in_source: float
    mean_rate: float | None
    correlation: float | None
    relative_error: float
    agreement: float
    agreement_lost: float


def diagnose_layers(
    model: SpikingModel,
    ann: AnnModel,
    wanted: NDArray[np.int64],
    observations: NDArray[Any],
    result: SimulationResult,
    n_steps: int,
    *,
    seed: int = 0,
) -> tuple[LayerDiagnosis, ...]:
    """Look at all populations.

    Decisions that end early run all their steps here, so that rates are over T; the agreement
    of the output is that of the model's own decisions.

    Args:
        model: The converted model.
        ann: The network that its layers follow, see `converted_network`.
        wanted: (B,) the source's actions.
        observations: (B, *shape).
        result: The model's decisions there.
        n_steps: T.
        seed: Seed of the Poisson encoding.
    """
    actions, whole = result.actions, with_whole_decisions(model)
    if whole is not model:
        result = simulate(whole, observations, n_steps=n_steps, seed=seed)
    activations = weighted_activations(ann, observations)
    before = float((activations[-1].argmax(axis=1) == wanted).mean())
    found = []
    last = len(activations) - 1
    for place, activation in enumerate(activations):
        estimate = estimated_activation(whole, result, place, n_steps)
        outputs = estimate if place == last else outputs_from(ann, place, estimate)
        taken = actions if place == last else outputs.argmax(axis=1)
        agreement = float((taken == wanted).mean())
        counts = result.spike_counts[place]
        spikes = place < last or whole.decoding != "potential"
        found.append(
            LayerDiagnosis(
                name="output" if place == last else f"hidden {place + 1}",
                neurons=activation.shape[1],
                activation_quantiles={
                    f"{q:g}": float(np.quantile(activation, q)) for q in QUANTILES
                },
                scale=_three(model.populations[place].scale),
                clipped=_clipped(model, place, activation) if spikes else 0.0,
                silent=float((counts == 0).all(axis=0).mean()) if spikes else None,
                silent_in_source=float((activation == 0).all(axis=0).mean()),
                mean_rate=float(np.abs(counts).mean()) / n_steps if spikes else None,
                correlation=_correlation(activation, estimate),
                relative_error=_relative_error(activation, estimate),
                agreement=agreement,
                agreement_lost=before - agreement,
            )
        )
        before = agreement
    return tuple(found)


def outputs_from(ann: AnnModel, place: int, activation: Floats) -> Floats:
    """Outputs (B, n) computed exactly from activations of the weighted layer ``place``.

    Args:
        ann: The source network.
        place: Number of the weighted layer, from 0.
        activation: (B, neurons) its outputs after ReLU.
    """
    index = weighted_layers(ann)[place][0]
    value = activation.reshape(len(activation), *ann.shapes()[index + 1])
    for later in range(index + 1, len(ann.layers)):
        value = apply_layer(ann.layers[later], value)
        if isinstance(ann.layers[later], Dense | Conv2d) and later < len(ann.layers) - 1:
            value = np.maximum(value, 0)
    return value.reshape(len(value), -1)


def _three(scale: Floats) -> tuple[float, float, float]:
    return float(scale.min()), float(np.median(scale)), float(scale.max())


def _clipped(model: SpikingModel, place: int, activation: Floats) -> float:
    layer = model.populations[place]
    most = model.neuron.burst_limit if model.neuron.spikes == "burst" else 1
    limit = per_neuron(layer.scale * layer.threshold, activation) * most
    # A hair above: the largest calibration activation is itself the limit.
    return float((activation > limit * 1.000001).mean())


def _correlation(a: Floats, b: Floats) -> float | None:
    x, y = a.ravel().astype(np.float64), b.ravel().astype(np.float64)
    x, y = x - x.mean(), y - y.mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / size if size > 0 else None


def _relative_error(activation: Floats, estimate: Floats) -> float:
    size = float(np.sqrt((activation.astype(np.float64) ** 2).mean()))
    error = float(np.sqrt(((estimate - activation).astype(np.float64) ** 2).mean()))
    return error / size if size > 0 else 0.0
