"""A peer with a network and observations, and the clock, inside one process."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from dsqn_fast.benchmarking.peers.catalogue import make_peer
from dsqn_fast.benchmarking.peers.peer import Floats
from dsqn_fast.errors import UnsupportedError
from dsqn_fast.model_io import load_policy

MAX_CALLS = 100_000


def seconds_per_call(call: Callable[[], object], seconds: float) -> tuple[float, int]:
    """Seconds of one call and the number of calls: as many as fill ``seconds``, one at least.

    One more call goes before, unmeasured; the garbage collector waits meanwhile.
    """
    call()
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter()
        call()
        once = time.perf_counter() - start
        calls = int(min(max(seconds / max(once, 1e-9), 1), MAX_CALLS))
        if calls == 1:
            return once, 1
        start = time.perf_counter()
        for _ in range(calls):
            call()
        return (time.perf_counter() - start) / calls, calls
    finally:
        gc.enable()


class Contestant:
    """What a worker process does, one method per request; see `dsqn_fast.workers`."""

    def __init__(self, peer: str) -> None:
        self._peer = make_peer(peer)
        self._observations: Floats | None = None
        self._others: list[Floats] = []

    def hello(self) -> dict[str, Any]:
        """Whether the peer can run, and its version."""
        missing = self._peer.available()
        version = None if missing else self._peer.version()
        return {"missing": missing, "version": version}

    def prepare(self, model: str, observations: str, batch: int, n_steps: int) -> dict[str, Any]:
        """Load a network and observations, ``batch`` for a call; decide once, unmeasured."""
        start = time.perf_counter()
        values = np.load(observations, allow_pickle=False)
        starts = range(0, max(1, len(values) - batch + 1), batch)
        pieces = [values[start : start + batch] for start in starts]
        self._observations, *self._others = map(np.ascontiguousarray, pieces)
        try:
            self._peer.prepare(load_policy(model), n_steps, batch)
        except UnsupportedError as error:
            return {"unsupported": str(error)}
        self._peer.decide(self._observations)
        return {"seconds": time.perf_counter() - start}

    def decide(self, seconds: float = 0.0) -> dict[str, Any]:
        """Final potentials of a call's observations, and of further ones while there is time."""
        assert self._observations is not None
        start = time.perf_counter()
        potentials = self._peer.decide(self._observations).tolist()
        for observations in self._others:
            if time.perf_counter() - start > seconds:
                break
            potentials += self._peer.decide_on(observations, len(potentials)).tolist()
        return {"potentials": potentials}

    def time(self, seconds: float) -> dict[str, Any]:
        """Seconds per call, from as many calls as fill ``seconds``, one at least."""
        assert self._observations is not None
        decide, observations = self._peer.decide, self._observations
        per_call, calls = seconds_per_call(lambda: decide(observations), seconds)
        return {"seconds": per_call, "calls": calls}

    def close(self) -> None:
        """End what the peer holds."""
        self._peer.close()
