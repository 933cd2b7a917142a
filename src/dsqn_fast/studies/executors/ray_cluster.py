"""A Ray cluster: machines on which somebody ran ``ray start``, or a Ray of this machine.

Networks and calibration states travel with the cells, so that a machine of the cluster needs this
package and Ray in the same versions, and no files.
"""

from __future__ import annotations

import contextlib
import os
import platform
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from dsqn_fast.errors import ClusterError, MissingExtraError, OptionError
from dsqn_fast.studies.cells import Cell
from dsqn_fast.studies.compute import Row, compute_cell
from dsqn_fast.studies.materials import Material
from dsqn_fast.version import package_version

CONNECT_SECONDS: Final = 5.0
"""How long a cluster may take to accept a connection."""
ASK_SECONDS: Final = 60.0
"""How long a machine may take to say which versions it has."""
RETRIES: Final = 5
"""How often a cell is given to another machine when its own is lost."""


class RayExecutor:
    """Computes cells on a Ray cluster.

    Args:
        address: HOST:PORT of the cluster; None starts Ray on this machine, and ends it.
        jobs: Cells computed at once; None for as many as the cluster has cores.

    Raises:
        MissingExtraError: Ray is not installed.
        OptionError: The address is not of the form HOST:PORT.
        ClusterError: The cluster cannot be reached, or its machines have other versions.
    """

    def __init__(self, address: str | None = None, jobs: int | None = None) -> None:
        self.address = address
        if address is not None:
            _check_address(address)
        self._ray = _import_ray()
        self._connect(jobs)
        try:
            self.nodes = self._check_nodes()
            self.jobs = jobs or max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        except BaseException:
            self._ray.shutdown()
            raise

    def _connect(self, jobs: int | None) -> None:
        options: dict[str, Any] = {"include_dashboard": False, "num_cpus": jobs}
        if self.address is not None:
            _try_to_reach(self.address)
            options = {"address": self.address}
        try:
            self._ray.init(**options, log_to_driver=False, logging_level="ERROR")
        except Exception as error:  # Ray raises RuntimeError, ConnectionError, ValueError and own
            where = "on this machine" if self.address is None else f"at {self.address}"
            raise ClusterError(f"Ray {where} cannot be used: {_first_line(error)}") from None

    def _check_nodes(self) -> list[dict[str, Any]]:
        """Ask every machine for its versions, and refuse other ones."""
        ray = self._ray
        own = own_versions()
        nodes = [node for node in ray.nodes() if node["Alive"]]
        asked = [
            ray.remote(own_versions)
            .options(scheduling_strategy=_on_node(node["NodeID"]), num_cpus=0, max_retries=0)
            .remote()
            for node in nodes
        ]
        found = []
        for node, answer in zip(nodes, asked, strict=True):
            where = node["NodeManagerAddress"]
            try:
                versions = ray.get(answer, timeout=ASK_SECONDS)
            except Exception as error:
                raise ClusterError(
                    f"the Ray machine {where} cannot run this package: {_first_line(error)}; "
                    f"install dsqn-fast {own['dsqn-fast']} there"
                ) from None
            for name, wanted in own.items():
                if versions.get(name) != wanted:
                    raise ClusterError(
                        f"the Ray machine {where} has {name} {versions.get(name)}, but this one "
                        f"has {wanted}: install the same version on both"
                    )
            found.append({"cpus": node["Resources"].get("CPU", 0), **versions})
        return found

    def run(self, cells: Sequence[Cell], materials: Mapping[str, Material]) -> Iterator[Row]:
        """Rows as they are finished; see `Executor.run`."""
        # Ray prints on stdout, at any time, that a machine is lost: the results are to stand there.
        with contextlib.redirect_stdout(sys.stderr):
            try:
                yield from self._rows(cells, materials)
            except (self._ray.exceptions.RayError, ConnectionError, TimeoutError) as error:
                raise ClusterError(
                    f"the Ray cluster was lost: {_first_line(error)}; finished cells are kept, "
                    "go on with --resume"
                ) from None
            finally:
                with contextlib.suppress(Exception):
                    self._ray.shutdown()

    def _rows(self, cells: Sequence[Cell], materials: Mapping[str, Material]) -> Iterator[Row]:
        ray = self._ray
        sent = {name: ray.put(material) for name, material in materials.items()}
        task = ray.remote(_compute).options(num_cpus=1, max_retries=RETRIES)
        waiting = list(reversed(cells))
        running: list[Any] = []
        while waiting or running:
            while waiting and len(running) < 2 * self.jobs:
                cell = waiting.pop()
                running.append(task.remote(cell, sent[cell.policy]))
            done, running = ray.wait(running, num_returns=1)
            yield from ray.get(done)

    def describe(self) -> dict[str, Any]:
        """Name, number of jobs and the machines, without their addresses."""
        return {
            "executor": "ray",
            "jobs": self.jobs,
            "cluster": self.address is not None,
            "nodes": self.nodes,
        }


def _compute(cell: Cell, material: Material) -> Row:
    return compute_cell(cell, material)


def own_versions() -> dict[str, str]:
    """Versions that all machines must share."""
    import numpy

    return {
        "dsqn-fast": package_version(),
        "numpy": numpy.__version__,
        "python": platform.python_version(),
    }


def _on_node(node_id: str) -> Any:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node_id, soft=False)


def _import_ray() -> Any:
    # Ray's reports of use and its notice about them are for its makers, not for this command.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError(
            'the executor "ray" needs Ray, which is not installed: pip install "dsqn-fast[cluster]"'
        ) from error
    return ray


def _check_address(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise OptionError(
            f"an address has the form HOST:PORT, such as 10.0.0.1:6379, not {address!r}"
        )
    return host, int(port)


def _try_to_reach(address: str) -> None:
    """Fail within seconds where Ray itself would try for minutes."""
    host, port = _check_address(address)
    try:
        socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        reason = error.strerror or str(error) or "no answer"
        raise ClusterError(
            f"no Ray cluster answers at {address} ({reason}): start one there with "
            f"`ray start --head --port={port}`"
        ) from None


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2])[:400] if lines else type(error).__name__
