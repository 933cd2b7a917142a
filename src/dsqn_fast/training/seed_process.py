"""One seed of a training in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from dsqn_fast.training.run_folder import CONFIG, EVALUATIONS, RESULT

POLL_SECONDS: Final = 0.1
WATCH_SECONDS: Final = 1.0
"""Time between two looks at a run's evaluations."""
TAIL_BYTES: Final = 4096
ONE_THREAD: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)
"""Runs share the cores; a sum must not depend on how many there are."""

Watch = Callable[[int, Mapping[str, Any]], None]
"""Told a seed and its last evaluation."""


@dataclass(frozen=True, kw_only=True)
class SeedRun:
    """What became of the run of one seed.

    Attributes:
        seed: Seed of the training.
        folder: Its run folder.
        result: The run's result; None if it failed.
        failure: Why there is none, in a sentence; None if it did not fail.
        seconds: Time that it took here; where it was finished before, what its result says.
        cpu_seconds: Processor time of the same.
    """

    seed: int
    folder: Path
    result: Mapping[str, Any] | None
    failure: str | None
    seconds: float
    cpu_seconds: float


def run_seed(
    words: Sequence[str],
    seed: int,
    *,
    folder: Path,
    resume: bool,
    timeout: float | None,
    watch: Watch | None = None,
) -> SeedRun:
    """Run ``dsqn-fast train WORDS`` for one seed; what it prints is kept beside its folder.

    Args:
        words: Words of the command but for seed and folder.
        seed: Seed of the run.
        folder: Its folder.
        resume: Take a finished run as it is, and go on with an unfinished one.
        timeout: Seconds after which the process is ended; its last checkpoint stays.
        watch: Told of evaluations as they come.
    """
    if resume and (folder / RESULT).exists():
        return _finished(seed, folder)
    going_on = ["--resume"] if resume and (folder / CONFIG).exists() else []
    command = [sys.executable, "-P", "-m", "dsqn_fast.cli.main", "train", *words]
    command += ["--seed", str(seed), "--out", str(folder), *going_on]
    begin = time.monotonic()
    with folder.with_suffix(".log").open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **ONE_THREAD},
        )
        look = None if watch is None else _looker(watch, seed, folder)
        cpu_seconds, timed_out = _wait(process, timeout, look)
    failure = None
    if timed_out:
        failure = f"it took more than {timeout:g} s and was ended: resume it to go on"
    elif process.returncode != 0:
        failure = _last_words(process.returncode, folder.with_suffix(".log"))
    return _outcome(seed, folder, failure, time.monotonic() - begin, cpu_seconds)


def _wait(
    process: subprocess.Popen[bytes], timeout: float | None, look: Callable[[], None] | None
) -> tuple[float, bool]:
    """Wait for the end; returns the processor time, and whether the time was up first."""
    end = None if timeout is None else time.monotonic() + timeout
    timed_out = False
    next_look = time.monotonic() + WATCH_SECONDS
    try:
        while True:
            # Not process.wait(): only this call tells the processor time of one child.
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                return usage.ru_utime + usage.ru_stime, timed_out
            if end is not None and not timed_out and time.monotonic() > end:
                timed_out = True
                process.kill()
            if look is not None and time.monotonic() >= next_look:
                look()
                next_look = time.monotonic() + WATCH_SECONDS
            time.sleep(POLL_SECONDS)
    except BaseException:
        process.kill()
        process.wait()
        raise


def _looker(watch: Watch, seed: int, folder: Path) -> Callable[[], None]:
    """Looks at the run's last evaluation and tells of it."""

    def look() -> None:
        with contextlib.suppress(OSError, ValueError, IndexError):
            lines = _tail(folder / EVALUATIONS).splitlines(keepends=True)
            watch(seed, json.loads([line for line in lines if line.endswith("\n")][-1]))

    return look


def _finished(seed: int, folder: Path) -> SeedRun:
    """A run that was finished before."""
    found = _outcome(seed, folder, None, 0.0, 0.0)
    if found.result is None:
        return found
    return replace(
        found,
        seconds=float(found.result.get("seconds", 0.0)),
        cpu_seconds=float(found.result.get("cpu_seconds", 0.0)),
    )


def _outcome(
    seed: int, folder: Path, failure: str | None, seconds: float, cpu_seconds: float
) -> SeedRun:
    result = None
    if failure is None:
        try:
            result = json.loads((folder / RESULT).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            failure = f"its result cannot be read ({error})"
    return SeedRun(
        seed=seed,
        folder=folder,
        result=result,
        failure=failure,
        seconds=seconds,
        cpu_seconds=cpu_seconds,
    )


def _last_words(status: int, log: Path) -> str:
    """The sentence that a refused command ends with, or how the process ended."""
    lines = [line for line in _tail(log).splitlines() if line.strip()]
    last = lines[-1].strip()[:500] if lines else ""
    if last.startswith("dsqn-fast: "):
        return last.removeprefix("dsqn-fast: ")
    if status < 0:
        return f"its process was ended by {signal.Signals(-status).name}: resume it to go on"
    return f"its process ended with status {status}: {last}".rstrip(": ")


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(file.seek(0, os.SEEK_END) - TAIL_BYTES, 0))
        return file.read().decode(errors="replace")
