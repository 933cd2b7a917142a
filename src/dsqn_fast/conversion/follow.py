"""A recipe followed: from a source network and calibration observations to a spiking model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.conversion.activations import weighted_layers
from dsqn_fast.conversion.calibration_set import CalibrationSet, sample
from dsqn_fast.conversion.error_calibration import calibrate_errors
from dsqn_fast.conversion.local_threshold import local_threshold_scales
from dsqn_fast.conversion.normalisation import WEIGHT_RULES, layer_scales
from dsqn_fast.conversion.option_groups import SearchOptions
from dsqn_fast.conversion.options import Dynamics, Recipe
from dsqn_fast.conversion.scaling import build_model
from dsqn_fast.conversion.search import SearchProgress, search_scales
from dsqn_fast.conversion.spike_norm import spike_norm_scales
from dsqn_fast.errors import OptionError
from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.spiking import SpikingModel

Floats = NDArray[np.floating]


def needs_observations(recipe: Recipe) -> bool:
    """Whether a recipe can only be followed with calibration observations."""
    calibrated = recipe.calibrate_bias or recipe.initial_potential == "calibrated"
    return calibrated or recipe.normalization not in WEIGHT_RULES


def follow_recipe(
    ann: AnnModel,
    calibration: CalibrationSet | None,
    recipe: Recipe,
    *,
    dynamics: Dynamics,
    n_steps: int,
    search: SearchOptions | None = None,
    seed: int = 0,
    progress: SearchProgress | None = None,
) -> SpikingModel:
    """Convert a source network by one recipe.

    Args:
        ann: The source network.
        calibration: Observations; None where the recipe needs none.
        recipe: Scales, start potentials, biases and spike mode.
        dynamics: Reset, encoding, decoding and timing.
        n_steps: Time steps per decision.
        search: How long ``search`` searches.
        seed: Seed of searches and of the Poisson encoding.
        progress: Reports the trials of ``search``.

    Raises:
        OptionError: The recipe needs observations and there are none.
        ModelError: Its options do not go together.
        MissingExtraError: ``search`` needs Optuna, which is not installed.
    """
    if calibration is None and needs_observations(recipe):
        raise OptionError(
            f"conversion with {recipe.describe()} needs calibration observations, not None: give "
            "a calibration set"
        )
    scales = _scales(
        ann, calibration, recipe, dynamics, n_steps, search or SearchOptions(), seed, progress
    )
    model = build_model(ann, scales, dynamics=dynamics, recipe=recipe, n_steps=n_steps)
    if calibration is None:
        return model
    return calibrate_errors(
        model,
        ann,
        calibration.to_simulate,
        potentials=recipe.initial_potential == "calibrated",
        biases=recipe.calibrate_bias,
        seed=seed,
    )


def _scales(
    ann: AnnModel,
    calibration: CalibrationSet | None,
    recipe: Recipe,
    dynamics: Dynamics,
    n_steps: int,
    search: SearchOptions,
    seed: int,
    progress: SearchProgress | None,
) -> tuple[Floats, ...]:
    rule = recipe.normalization
    if calibration is None or rule in WEIGHT_RULES:
        return layer_scales(ann, rule, None, percentile=recipe.percentile)
    if rule == "spike-norm":
        return spike_norm_scales(
            ann,
            calibration.to_simulate,
            dynamics=dynamics,
            # Balanced on binary spikes; bursts are scaled afterwards, as with other rules.
            recipe=replace(recipe, spikes="binary"),
            n_steps=n_steps,
            seed=seed,
        )
    if rule == "local-threshold":
        scales = local_threshold_scales(calibration.activations, n_steps=n_steps)
        return tuple(
            scale.astype(layer.weight.dtype)
            for scale, (_, layer) in zip(scales, weighted_layers(ann), strict=True)
        )
    if rule == "search":
        start = layer_scales(ann, "channel", calibration.activations, percentile=recipe.percentile)
        return search_scales(
            ann,
            start,
            sample(calibration.observations, search.max_observations, seed),
            dynamics=dynamics,
            recipe=recipe,
            n_steps=n_steps,
            options=search,
            seed=seed,
            progress=progress,
        )
    first = rule == "thesis-robust"
    seen = calibration.first_activations if first else calibration.activations
    return layer_scales(ann, rule, seen, percentile=recipe.percentile)
