"""The sentences of a report that HTML and Markdown share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from dsqn_fast.studies.report import StudyReport
from dsqn_fast.studies.tables import EXCLUDED
from dsqn_fast.studies.words import listed, value_of

TITLE: Final = "Studies of spiking policies"
EXPLANATION: Final = (
    "Returns are means over episodes, the standard deviation over episodes in round brackets, the "
    "95 % bootstrap interval in square ones. All cells of a study play the same episodes: "
    "differences are paired by episode. Agreement is the share of decisions, on the states that "
    "the spiking policy visits, with its source network's action; intervals of shares draw whole "
    'episodes. "thesis" is Hahn, Deep Spiking Q Networks, TU Munich 2020;'
    f"{EXCLUDED} marks its numbers that our 95 % interval excludes (its own means have intervals "
    "too, so that some of 20 equal ones are marked). Findings are made from the numbers by the "
    "program."
)


def answered(report: StudyReport) -> str:
    """Tables of the thesis, amount, notes, and what is missing."""
    study, amount = report.study, report.plan["amount"]
    parts = []
    if study.thesis:
        tables = "table" if len(study.thesis) == 1 else "tables"
        parts.append(f"Answers {tables} {', '.join(study.thesis)} of the thesis.")
    conversions = f", {amount['seeds']} conversions" if amount["seeds"] > 1 else ""
    parts.append(f"{amount['episodes']} episodes per cell, seed {amount['seed']}{conversions}.")
    if study.notes:
        parts.append(study.notes)
    if report.missing:
        parts.append(
            f"Not finished: {report.missing} of {len(report.plan['cells'])} cells are missing."
        )
    return " ".join(parts)


def ran(report: StudyReport) -> Iterator[str]:
    """Command, versions, hardware and duration of every run."""
    for run in report.runs:
        machine = run.get("machine", {})
        yield f"$ {run.get('command', '')}"
        yield (
            f"  {run.get('cells')} cells in {run.get('seconds')} s, {_executor(run)}; "
            f"{machine.get('processor')}, {machine.get('cores')} cores, {machine.get('isa')}, "
            f"load {machine.get('load')} at its end"
        )
        yield (
            f"  dsqn-fast {machine.get('dsqn_fast')}, Python {machine.get('python')}, NumPy "
            f"{machine.get('numpy')}, Gymnasium {run.get('gymnasium')}, {machine.get('date')}"
        )


def _executor(run: Any) -> str:
    executor = run.get("executor", {})
    return f"{executor.get('executor')}, {executor.get('jobs')} at once"


def ran_policies(report: StudyReport) -> Iterator[str]:
    """Policies with their shapes and the hashes of their files, or the trainings of a group."""
    groups = report.plan.get("groups", {})
    trained: dict[str, list[Any]] = {}
    for policy in report.plan["policies"]:
        if policy.get("training"):
            trained.setdefault(groups.get(policy["name"], policy["name"]), []).append(policy)
            continue
        layers = ", ".join(map(str, policy["layers"]))
        yield (
            f"{policy['name']}: {policy['file']} [{layers}], {policy['env_id']}, sha256 "
            f"{policy['sha256'][0][:16]}"
        )
    for name, policies in trained.items():
        seeds = listed(str(policy["training_seed"]) for policy in policies)
        yield f"{name}: {_training(policies[0])}, training seeds {seeds}"


def _training(policy: Any) -> str:
    training = policy["training"]
    changes = [f"{name} = {value_of(value)}" for name, value in training["changes"].items()]
    return ", ".join(
        [f"{training['method']} on {policy['env_id']}", f"preset {training['preset']}", *changes]
    )
