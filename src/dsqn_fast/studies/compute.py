"""One cell computed: convert, play, measure. A function of its arguments alone."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from dsqn_fast.agents import Agent, AnnAgent, SpikingAgent
from dsqn_fast.conversion.convert import convert
from dsqn_fast.conversion.exit_rule import play_with_kappa, with_kappa
from dsqn_fast.conversion.follow import needs_observations
from dsqn_fast.conversion.gather import gather_observations
from dsqn_fast.conversion.option_groups import AutoOptions, CalibrationOptions
from dsqn_fast.conversion.options import Recipe
from dsqn_fast.engine import Engine
from dsqn_fast.errors import DsqnError, StudyError
from dsqn_fast.evaluation import evaluate
from dsqn_fast.evaluation_report import EvaluationReport
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.studies.cells import Cell
from dsqn_fast.studies.materials import Material
from dsqn_fast.studies.regret import RegretMeter
from dsqn_fast.studies.rounding import round_weights

Row = dict[str, Any]

_gathered: dict[tuple[str, ...], NDArray[Any]] = {}
"""Calibration states of this process: many cells of a study look at the same ones."""


def compute_cell(cell: Cell, material: Material) -> Row:
    """Compute a cell.

    Args:
        cell: What to do.
        material: The policy that it names.

    Returns:
        A row of JSON values: the cell, ``status`` ``"done"`` with its measurements, or
        ``"refused"`` with the sentence of this package that says why it is impossible.
    """
    begin = time.perf_counter()
    row: Row = {"key": cell.key, "cell": cell.to_dict()}
    try:
        measured = _play(cell, material)
    except DsqnError as error:
        row |= {"status": "refused", "reason": " ".join(str(error).split())}
    else:
        row |= {"status": "done", **measured}
    return row | {"seconds": round(time.perf_counter() - begin, 3)}


def _play(cell: Cell, material: Material) -> Row:
    if cell.role == "source":
        if material.ann is None:
            raise StudyError(f"policy {cell.policy!r} carries no source network")
        return _measurements(_evaluate(AnnAgent(material.ann), cell, material), None)
    model = _spiking_model(cell, material)
    settings = cell.settings
    steps = int(settings["n_steps"]) if settings["normalization"] != "auto" else model.n_steps
    model = model.replace(n_steps=steps)
    engine = Engine(
        model,
        precision=settings["precision"],  # type: ignore[arg-type]
        weight_bits=int(settings["weight_bits"]),
    )
    meter = None if model.source is None else RegretMeter(engine.run, model.source, cell.episodes)
    agent = SpikingAgent(
        model, seed=cell.conversion_seed, simulator=engine.run if meter is None else meter
    )
    return _measurements(_evaluate(agent, cell, material), meter)


def _evaluate(agent: Agent, cell: Cell, material: Material) -> EvaluationReport:
    return evaluate(
        agent,
        material.policy.env_id,
        episodes=cell.episodes,
        seed=cell.seed,
        max_episode_steps=material.policy.max_episode_steps,
    )


def _spiking_model(cell: Cell, material: Material) -> SpikingModel:
    settings = cell.settings
    model = material.model if material.model is not None else _converted(cell, material)
    model = round_weights(model, int(settings["rounded_weights"]))
    kappa = float(settings["early_exit"])
    if kappa > 0:
        if material.observations is not None:
            return with_kappa(model, kappa, material.observations[:1000], seed=cell.conversion_seed)
        return play_with_kappa(model, kappa, env_id=material.env_id, seed=cell.conversion_seed)
    return model.replace(early_exit=None)


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
    ann = replace(material.ann, env_id=material.env_id)
    wanted = recipe.normalization == "auto" or needs_observations(recipe)
    observations = _calibration_states(cell, material) if wanted else None
    return convert(
        ann,
        observations,
        normalization=recipe.normalization,
        percentile=recipe.percentile,
        reset=settings["reset"],
        initial_potential=recipe.initial_potential,
        encoding=settings["encoding"],
        decoding=settings["decoding"],
        timing=settings["timing"],
        n_steps=None if recipe.normalization == "auto" else settings["n_steps"],
        seed=cell.conversion_seed,
        calibrate_bias=recipe.calibrate_bias,
        spikes=recipe.spikes,
        burst_limit=recipe.burst_limit,
        two_output_neurons=settings["two_output_neurons"],
        auto=AutoOptions(max_steps=settings["n_steps"], episodes=0),
    )


def _calibration_states(cell: Cell, material: Material) -> NDArray[Any]:
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


def _measurements(report: EvaluationReport, meter: RegretMeter | None) -> Row:
    energy = report.energy
    return {
        "returns": report.returns.tolist(),
        "lengths": report.lengths.tolist(),
        "equal_actions": None if report.equal_actions is None else report.equal_actions.tolist(),
        "regrets": None if meter is None else meter.regrets.tolist(),
        "regret_scales": None if meter is None else meter.scales.tolist(),
        "steps_used": report.steps_used,
        "steps_95": report.steps_95,
        "spikes_per_decision": report.spikes_per_decision,
        "synaptic_operations": report.synaptic_operations_per_decision,
        "nanojoule": None if energy is None else energy.snn.nanojoule,
        "nanojoule_int8": None if energy is None else energy.snn.nanojoule_int8,
        "source_nanojoule": None if energy is None else energy.ann.nanojoule,
        "source_nanojoule_int8": None if energy is None else energy.ann.nanojoule_int8,
        "decision_seconds": round(report.decision_seconds, 3),
    }


TIMES = ("seconds", "decision_seconds")
"""Entries of a row that differ from run to run; all others follow from the cell."""


def numbers(row: Row) -> Row:
    """A row without what the clock gave."""
    return {name: value for name, value in row.items() if name not in TIMES}


__all__ = ["TIMES", "Row", "compute_cell", "numbers"]
