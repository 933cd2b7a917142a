"""From a cell's settings to its spiking policy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from dsqn_fast.conversion.convert import convert
from dsqn_fast.conversion.exit_rule import play_with_kappa, with_kappa
from dsqn_fast.conversion.follow import needs_observations
from dsqn_fast.conversion.gather import gather_observations
from dsqn_fast.conversion.option_groups import AutoOptions, CalibrationOptions
from dsqn_fast.conversion.options import Recipe
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.robustness.networks import quantise_weights
from dsqn_fast.studies.cells import Cell
from dsqn_fast.studies.disturbing import disturb_network
from dsqn_fast.studies.materials import Material

SPREAD_STATES = 1_000
"""Calibration states that the spread of an early exit is measured on."""

_gathered: dict[tuple[str, ...], NDArray[Any]] = {}
"""Calibration states of this process: many cells of a study look at the same ones."""


def spiking_policy(cell: Cell, material: Material) -> SpikingModel:
    """The spiking policy of a cell, with the T that its settings ask for.

    Raises:
        DsqnError: The settings do not go together.
    """
    settings = cell.settings
    model = material.model if material.model is not None else _converted(cell, material)
    # A policy that its cell has trained keeps the T that it learned with.
    chosen = settings["normalization"] == "auto" and material.model is None
    if not chosen and material.policy.train is None:
        model = model.replace(n_steps=int(settings["n_steps"]))
    model = _with_exit(model, cell, material)
    if settings["rounded_weights"]:
        model = quantise_weights(model, int(settings["rounded_weights"]), 0)
    return disturb_network(model, cell)


def _with_exit(model: SpikingModel, cell: Cell, material: Material) -> SpikingModel:
    kappa, seed = float(cell.settings["early_exit"]), cell.conversion_seed
    if kappa == 0:
        return model.replace(early_exit=None)
    if material.observations is not None:
        return with_kappa(model, kappa, material.observations[:SPREAD_STATES], seed=seed)
    return play_with_kappa(model, kappa, env_id=material.env_id, seed=seed)


def _converted(cell: Cell, material: Material) -> SpikingModel:
    assert material.ann is not None
    settings: dict[str, Any] = dict(cell.settings)
    recipe = Recipe(
        normalization=settings["normalization"],
        percentile=settings["percentile"],
        initial_potential=settings["initial_potential"],
        calibrate_bias=settings["calibrate_bias"],
        spikes=settings["spikes"],
        burst_limit=settings["burst_limit"],
    )
    automatic = recipe.normalization == "auto"
    needed = automatic or needs_observations(recipe)
    model = convert(
        replace(material.ann, env_id=material.env_id),
        calibration_states(cell, material) if needed else None,
        normalization=recipe.normalization,
        percentile=recipe.percentile,
        reset=settings["reset"],
        initial_potential=recipe.initial_potential,
        encoding=settings["encoding"],
        decoding=settings["decoding"],
        timing=settings["timing"],
        n_steps=None if automatic else settings["n_steps"],
        seed=cell.conversion_seed,
        calibrate_bias=recipe.calibrate_bias,
        spikes=recipe.spikes,
        burst_limit=recipe.burst_limit,
        two_output_neurons=settings["two_output_neurons"],
        auto=AutoOptions(max_steps=settings["n_steps"], episodes=0),
    )
    return model.replace(source=None) if material.policy.trained_spiking else model


def calibration_states(cell: Cell, material: Material) -> NDArray[Any]:
    """The file's observations, or what the source network sees as it plays."""
    if material.observations is not None:
        return material.observations
    assert material.ann is not None
    key = (*material.sha256, material.env_id, str(cell.conversion_seed))
    if key not in _gathered:
        options = CalibrationOptions(max_episode_steps=material.policy.max_episode_steps)
        _gathered[key] = gather_observations(
            material.ann, material.env_id, options=options, seed=cell.conversion_seed
        ).observations
    return _gathered[key]
