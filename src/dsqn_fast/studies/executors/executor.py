"""What an executor is, and how one is chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from dsqn_fast.errors import OptionError
from dsqn_fast.model.options import check_choice
from dsqn_fast.studies.cells import Cell
from dsqn_fast.studies.compute import Row
from dsqn_fast.studies.materials import Material

EXECUTORS: Final = ("local", "ray")


class Executor(Protocol):
    """Computes cells, in any order."""

    def run(self, cells: Sequence[Cell], materials: Mapping[str, Material]) -> Iterator[Row]:
        """Rows as they are finished.

        Args:
            cells: What to compute.
            materials: Policies by name.

        Raises:
            StudyError: Computing cannot go on; rows that were given stay valid.
        """

    def describe(self) -> dict[str, Any]:
        """How and on what it computes, for the provenance."""


def check_executor(name: str, jobs: int | None, address: str | None) -> None:
    """Check the options of an executor without making one.

    Raises:
        OptionError: The name is unknown, or an option does not go with it.
    """
    check_choice("executor", name, EXECUTORS)
    if jobs is not None and jobs < 1:
        raise OptionError(f"jobs must be at least 1, not {jobs}")
    if name == "local" and address is not None:
        raise OptionError(f"an address ({address!r}) needs --executor ray")


def make_executor(name: str, *, jobs: int | None = None, address: str | None = None) -> Executor:
    """An executor by name.

    Args:
        name: ``"local"`` or ``"ray"``.
        jobs: Cells computed at once; None for as many as there are cores.
        address: HOST:PORT of a Ray cluster; None starts Ray on this machine.

    Raises:
        OptionError: The name is unknown, or an option does not go with it.
        MissingExtraError: A package that it needs is not installed.
        ClusterError: The cluster cannot be reached, or its machines do not fit together.
    """
    check_executor(name, jobs, address)
    if name == "local":
        from dsqn_fast.studies.executors.local import LocalExecutor

        return LocalExecutor(jobs)
    from dsqn_fast.studies.executors.ray_cluster import RayExecutor

    return RayExecutor(address, jobs)
