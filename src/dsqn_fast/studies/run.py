"""Running a study: its cells computed, each row kept as soon as it is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dsqn_fast.studies.cells import Amount, Cell, make_cells
from dsqn_fast.studies.compute import Row
from dsqn_fast.studies.executors import make_executor
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
    amount, execution = amount or Amount(), execution or Execution()
    materials, left_out = load_materials(study.policies, search_folders(data, study_file))
    cells = make_cells(study, materials, amount)
    folder = StudyFolder(out)
    with folder.locked():
        folder.start(_plan(study, materials, cells, amount), study.text, resume=execution.resume)
        known = {row["key"]: row for row in folder.rows.read()}
        missing = [cell for cell in cells if cell.key not in known]
        begin = time.perf_counter()
        if missing:
            rows = _compute(folder, missing, materials, execution, len(cells), progress)
            known |= {row["key"]: row for row in rows}
    return StudyRun(
        computed=len(missing),
        kept=len(cells) - len(missing),
        refused=sum(known[cell.key]["status"] == "refused" for cell in cells),
        left_out=tuple(left_out),
        seconds=time.perf_counter() - begin,
    )


def _compute(
    folder: StudyFolder,
    cells: Sequence[Cell],
    materials: Sequence[Material],
    execution: Execution,
    total: int,
    progress: Callable[[StudyProgress], None] | None,
) -> list[Row]:
    executor = make_executor(execution.executor, jobs=execution.jobs, address=execution.address)
    cost = {cell.key: cell.cost for cell in cells}
    work, begin = sum(cost.values()), time.perf_counter()
    rows: list[Row] = []

    def tell(row: Row | None) -> None:
        if progress is not None:
            state = StudyProgress(
                done=total - len(cells) + len(rows),
                cells=total,
                work_done=sum(cost[one["key"]] for one in rows),
                work=work,
                finished=len(rows),
                seconds=time.perf_counter() - begin,
                row=row,
            )
            progress(state)

    tell(None)
    try:
        for row in executor.run(cells, {one.policy.name: one for one in materials}):
            folder.rows.append(row)
            rows.append(row)
            tell(row)
    finally:
        seconds = time.perf_counter() - begin
        if rows:
            folder.add_run(
                describe_run(
                    execution.command, executor.describe(), cells=len(rows), seconds=seconds
                )
            )
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
