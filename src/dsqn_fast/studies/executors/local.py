"""Processes of this machine, by joblib."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from dsqn_fast.errors import MissingExtraError, StudyError
from dsqn_fast.studies.cells import Cell
from dsqn_fast.studies.compute import Row, compute_cell
from dsqn_fast.studies.materials import Material

WATCH_SECONDS: Final = 0.5
"""How often a process looks whether the one that started it is still there."""


class LocalExecutor:
    """Computes cells in processes of this machine; one job computes in this process.

    Args:
        jobs: Processes; None for as many as this process may use cores.
    """

    def __init__(self, jobs: int | None = None) -> None:
        self.jobs = jobs or len(os.sched_getaffinity(0))

    def run(self, cells: Sequence[Cell], materials: Mapping[str, Material]) -> Iterator[Row]:
        """Rows as they are finished; see `Executor.run`."""
        if self.jobs == 1 or len(cells) < 2:
            for cell in cells:
                yield compute_cell(cell, materials[cell.policy])
            return
        yield from self._in_processes(cells, materials)

    def _in_processes(
        self, cells: Sequence[Cell], materials: Mapping[str, Material]
    ) -> Iterator[Row]:
        try:
            from joblib import Parallel, delayed
            from joblib.externals.loky.process_executor import TerminatedWorkerError
        except ImportError as error:
            raise MissingExtraError(
                'studies in several processes need joblib: pip install "dsqn-fast[study]", or '
                "use --jobs 1"
            ) from error
        # Each process computes on one core: the cells are what runs side by side.
        pool = Parallel(
            n_jobs=self.jobs, return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs"
        )
        own = os.getpid()
        tasks = (delayed(_compute)(cell, materials[cell.policy], own) for cell in cells)
        try:
            yield from pool(tasks)
        except TerminatedWorkerError:
            raise StudyError(
                "a process of the study was killed, perhaps for memory: finished cells are kept; "
                "go on with --resume and fewer --jobs"
            ) from None

    def describe(self) -> dict[str, Any]:
        """Name and number of processes."""
        return {"executor": "local", "jobs": self.jobs}


def _compute(cell: Cell, material: Material, parent: int) -> Row:
    _end_with(parent)
    return compute_cell(cell, material)


@cache
def _end_with(parent: int) -> None:
    """Let this process end soon after the one that started it, which may have been killed.

    It would end by itself, but only after its cell, which may take minutes.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
