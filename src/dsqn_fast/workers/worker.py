"""The other end of a worker's pipe."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

PROGRAM: Final = Path(__file__).with_name("worker_start.py")
THREADS: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
FORCED: Final = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""Settings that would keep a worker's BLAS from choosing the kernels of this processor."""


class WorkerError(Exception):
    """A worker gave no answer, or what it runs failed; the text says why."""


class Worker:
    """A process that makes one object and calls its methods.

    Args:
        module: Module of the object's class, in this package.
        kind: Its class.
        arguments: Its arguments, JSON values.
        python: The interpreter that runs it.
        timeout: Seconds after which a request is given up and the process ended.
        variables: Further environment variables of the process.

    Raises:
        OSError: The interpreter cannot be started.
    """

    def __init__(
        self,
        module: str,
        kind: str,
        arguments: Sequence[Any],
        *,
        python: str,
        timeout: float = 600.0,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._timeout = timeout
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        self._process = subprocess.Popen(
            [python, "-P", str(PROGRAM), module, kind, json.dumps(list(arguments))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**_environment(python), **(variables or {})},
            text=True,
        )

    def ask(self, do: str, **details: Any) -> dict[str, Any]:
        """Send one request and return the answer.

        Raises:
            WorkerError: The method raised, the process ended, or the time was up.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **details}) + "\n")
            self._process.stdin.flush()
            ready, _, _ = select.select([self._process.stdout], [], [], self._timeout)
        except BrokenPipeError:
            raise WorkerError(self._last_words()) from None
        if not ready:
            self._process.kill()
            self._process.wait()
            raise WorkerError(f"no answer to {do!r} within {self._timeout:g} s")
        line = self._process.stdout.readline()
        if not line:
            raise WorkerError(self._last_words())
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise WorkerError(reply["error"])
        return reply

    def close(self) -> None:
        """End the process; harmless when it has ended."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _last_words(self) -> str:
        """The last line that the process wrote to stderr: of a traceback, the error."""
        status = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f"its process ended with status {status}: {last[:300]}".rstrip(": ")


def _environment(python: str) -> dict[str, str]:
    """One thread everywhere; paths of this Python's packages only for this Python."""
    kept = {key: value for key, value in os.environ.items() if key not in FORCED}
    if python != sys.executable:
        kept.pop("PYTHONPATH", None)
        kept.pop("PYTHONHOME", None)
    return {**kept, **dict.fromkeys(THREADS, "1"), "PYTHONNOUSERSITE": "1"}
