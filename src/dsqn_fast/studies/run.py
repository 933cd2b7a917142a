"""Running a study: its cells computed, each row kept as soon as it is there."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dsqn_fast.errors import OutputPathError
from dsqn_fast.studies.cells import Amount, Cell, make_cells
from dsqn_fast.studies.compute import Row
from dsqn_fast.studies.executors import Executor, check_executor, make_executor
from dsqn_fast.studies.folder import FORMAT, StudyFolder
from dsqn_fast.studies.materials import Material, load_materials, search_folders
from dsqn_fast.studies.provenance import describe_run
from dsqn_fast.studies.study import Study


@dataclass(frozen=True, kw_only=True)
class Execution:
    """Where cells are computed.

    Attributes:
        executor: ``local`` or ``ray``.
        address: HOST:PORT of a Ray cluster; None for a Ray of this machine.
        jobs: Cells at once; None for as many as there are cores.
        resume: Go on with a study that the folder holds.
        command: Words of the command line, for the provenance.
    """

    executor: str = "local"
    address: str | None = None
    jobs: int | None = None
    resume: bool = False
    command: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StudyProgress:
    """How far a study is.

    Attributes:
        done: Finished cells, those of earlier runs among them.
        cells: All cells.
        work_done: Work of the cells finished in this run, in arbitrary units.
        work: Work of all cells of this run.
        finished: Cells finished in this run.
        seconds: Since this run began to compute.
        row: The row that came last; None at the start.
    """

    done: int
    cells: int
    work_done: float
    work: float
    finished: int
    seconds: float
    row: Row | None

    @property
    def remaining_seconds(self) -> float | None:
        """Estimate from the work done so far; None before the first cell."""
        if not self.work_done:
            return None
        return self.seconds * (self.work - self.work_done) / self.work_done


@dataclass(frozen=True, kw_only=True)
class StudyRun:
    """What a run of the command did.

    Attributes:
        computed: Cells computed now.
        kept: Cells that were there before.
        refused: Rows that say that their cell is impossible.
        left_out: Sentences about policies whose files are not there.
        seconds: Duration.
    """

    computed: int
    kept: int
    refused: int
    left_out: tuple[str, ...]
    seconds: float


def run_study(
    study: Study,
    out: str | Path,
    *,
    amount: Amount | None = None,
    execution: Execution | None = None,
    data: Sequence[Path] = (),
    study_file: Path | None = None,
    progress: Callable[[StudyProgress], None] | None = None,
) -> StudyRun:
    """Run a study, or what is missing of it.

    Args:
        study: What to do.
        out: Folder for its rows.
        amount: Episodes and seeds.
        execution: Where cells are computed, and whether to go on with what is there.
        data: Folders with the files of policies, before the usual ones.
        study_file: Where the study was read from; its folder is searched as well.
        progress: Told whenever a cell is finished.

    Raises:
        StudyError: The folder holds another study, or computing cannot go on.
        OutputPathError: The folder cannot be written, for instance because the disk is full.
        OptionError: An option is out of range.
        ClusterError: The cluster cannot be reached, or its machines do not fit together.
    """
    amount = amount or Amount(episodes=study.episodes)
    execution = execution or Execution()
    materials, left_out = load_materials(study.policies, search_folders(data, study_file))
    cells = make_cells(study, materials, amount)
    check_executor(execution.executor, execution.jobs, execution.address)
    folder, plan = StudyFolder(out), _plan(study, materials, cells, amount)
    with folder.locked():
        folder.check(plan, resume=execution.resume)
        known = {row["key"]: row for row in folder.rows.read()}
        missing = [cell for cell in cells if cell.key not in known]
        begin = time.perf_counter()
        if missing:
            executor = make_executor(
                execution.executor, jobs=execution.jobs, address=execution.address
            )
            folder.start(plan, study.text)
            work = _Work(folder, missing, materials, len(cells), progress)
            known |= {row["key"]: row for row in _compute(work, executor, execution.command)}
    return StudyRun(
        computed=len(missing),
        kept=len(cells) - len(missing),
        refused=sum(known[cell.key]["status"] == "refused" for cell in cells),
        left_out=tuple(left_out),
        seconds=time.perf_counter() - begin,
    )


@dataclass(frozen=True)
class _Work:
    """What is to be computed, and who is told about it."""

    folder: StudyFolder
    cells: Sequence[Cell]
    materials: Sequence[Material]
    total: int
    progress: Callable[[StudyProgress], None] | None


def _compute(work: _Work, executor: Executor, command: Sequence[str]) -> list[Row]:
    cost = {cell.key: cell.cost for cell in work.cells}
    begin = time.perf_counter()
    rows: list[Row] = []

    def tell(row: Row | None) -> None:
        if work.progress is None:
            return
        state = StudyProgress(
            done=work.total - len(work.cells) + len(rows),
            cells=work.total,
            work_done=sum(cost[one["key"]] for one in rows),
            work=sum(cost.values()),
            finished=len(rows),
            seconds=time.perf_counter() - begin,
            row=row,
        )
        work.progress(state)

    tell(None)
    try:
        for row in executor.run(work.cells, {one.policy.name: one for one in work.materials}):
            work.folder.rows.append(row)
            rows.append(row)
            tell(row)
    finally:
        if rows:
            seconds = time.perf_counter() - begin
            run = describe_run(command, executor.describe(), cells=len(rows), seconds=seconds)
            # A disk that took no row takes no note either; the reason for that is told.
            with contextlib.suppress(OutputPathError):
                work.folder.add_run(run)
    return rows


def _plan(
    study: Study, materials: Sequence[Material], cells: Sequence[Cell], amount: Amount
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "study": study.name,
        "amount": asdict(amount),
        "grid": {name: list(values) for name, values in study.grid.items()},
        "policies": [material.describe() for material in materials],
        "groups": {one.policy.name: one.policy.group for one in materials if one.policy.group},
        "cells": [{"key": cell.key, **cell.to_dict()} for cell in cells],
    }
