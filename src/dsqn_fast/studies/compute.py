"""One cell computed: convert, play, measure. A function of its arguments alone."""

from __future__ import annotations

import time
from typing import Any, Final

from dsqn_fast.agents import Agent, AnnAgent, SpikingAgent
from dsqn_fast.errors import DsqnError, StudyError
from dsqn_fast.evaluation import evaluate
from dsqn_fast.evaluation_report import EvaluationReport
from dsqn_fast.studies.cell_simulator import cell_simulator
from dsqn_fast.studies.cells import Cell
from dsqn_fast.studies.conversion import spiking_policy
from dsqn_fast.studies.disturbing import disturb_network, disturbed_environment
from dsqn_fast.studies.materials import Material
from dsqn_fast.studies.regret import RegretMeter
from dsqn_fast.studies.trained import trained

Row = dict[str, Any]
SIDE_BY_SIDE: Final = 100
"""Episodes on vectors that are played at once; no result depends on it."""


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
    if material.training_seed is not None:
        material = trained(material)
        if material.ann is not None:  # a ReLU network: it plays itself
            return _measurements(_evaluate(AnnAgent(material.ann), cell, material), None)
    if cell.role == "source" or cell.settings["agent"] == "source":
        if material.ann is None:
            raise StudyError(f"policy {cell.policy!r} carries no source network")
        agent = AnnAgent(disturb_network(material.ann, cell))
        return _measurements(_evaluate(agent, cell, material), None)
    model = spiking_policy(cell, material)
    with cell_simulator(model, cell.settings) as (simulator, extras):
        meter = None
        if model.source is not None:
            meter = RegretMeter(simulator, model.source, cell.episodes)
        spiking = SpikingAgent(model, seed=cell.conversion_seed, simulator=meter or simulator)
        report = _evaluate(spiking, cell, material)
        return _measurements(report, meter) | extras()


def _evaluate(agent: Agent, cell: Cell, material: Material) -> EvaluationReport:
    options: dict[str, Any] = {"episodes": cell.episodes, "seed": cell.seed}
    options["epsilon"] = float(cell.settings.get("epsilon", 0.0))
    # Batches of decisions cost less than single ones; games on images need memory.
    images = len(material.shape) == 3
    options["n_envs"] = None if images else min(cell.episodes, SIDE_BY_SIDE)
    disturbed = disturbed_environment(cell, material)
    if disturbed is not None:
        return evaluate(agent, disturbed, **options)
    limit = material.policy.max_episode_steps
    return evaluate(agent, material.policy.env_id, max_episode_steps=limit, **options)


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
