"""The worker processes of a benchmark, started when they are first needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.benchmarking.interpreters import interpreter
from dsqn_fast.benchmarking.peers.catalogue import make_peer
from dsqn_fast.workers.worker import Worker, WorkerError

CONTESTANT: Final = ("dsqn_fast.benchmarking.stopwatch", "Contestant")


class Member:
    """A peer and its process.

    Attributes:
        name: Of the peer.
        title: For people.
        is_relu: Whether it runs the ReLU network.
        version: None until it has been asked, and where it cannot run.
        missing: Why it cannot run here, or None.
    """

    def __init__(self, name: str, python: str) -> None:
        kind = make_peer(name)
        self.name, self.title, self.is_relu = name, kind.title, kind.is_relu
        self.version: str | None = None
        self.missing: str | None = None
        self._python = python
        self._worker: Worker | None = None

    def greet(self) -> None:
        """Start the process, once, and ask whether the peer can run."""
        if self.version is not None or self.missing is not None:
            return
        try:
            reply = self.ask("hello")
        except (WorkerError, OSError) as error:
            self.missing = str(error)
            return
        self.version, self.missing = reply["version"], reply["missing"]
        if self.missing is not None:
            self.close()

    def ask(self, do: str, **details: Any) -> dict[str, Any]:
        """Send a request; a process that ended is started again by the next one.

        Raises:
            WorkerError: There was no answer.
        """
        if self._worker is None:
            self._worker = Worker(*CONTESTANT, [self.name], python=self._python)
        try:
            return self._worker.ask(do, **details)
        except WorkerError:
            self.close()
            raise

    def potentials(self, seconds: float = 0.0) -> NDArray[np.floating]:
        """Final potentials (B, n_out) of a call's observations.

        Args:
            seconds: Decide on further observations for so long, a call's at a time.

        Raises:
            WorkerError: There was no answer.
        """
        return np.array(self.ask("decide", seconds=seconds)["potentials"], dtype=np.float64)

    def close(self) -> None:
        """End the process, if there is one."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None


class Team:
    """All members; leaving the context ends their processes."""

    def __init__(self, peers: tuple[str, ...], interpreters: Mapping[str, str]) -> None:
        self._members = [Member(name, interpreter(name, interpreters)) for name in peers]

    def __iter__(self) -> Iterator[Member]:
        return iter(self._members)

    def __enter__(self) -> Team:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for member in self._members:
            member.close()
