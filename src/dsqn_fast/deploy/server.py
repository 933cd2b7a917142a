"""What the process of a target does, one method per request; see `dsqn_fast.workers`."""

from __future__ import annotations

import importlib
import time
from pathlib import Path
from typing import Any

import numpy as np

from dsqn_fast.deploy.exchange import write_run
from dsqn_fast.deploy.target import Target
from dsqn_fast.model_io import load_policy


class Server:
    """A target in its own process.

    Args:
        module: Module of the target's class.
        kind: Its class.
        options: Its options.
    """

    def __init__(self, module: str, kind: str, options: dict[str, Any]) -> None:
        self._target: Target = getattr(importlib.import_module(module), kind)(options)

    def hello(self) -> dict[str, Any]:
        """Whether the target can run here, and its version."""
        missing = self._target.missing()
        supported = self._target.supported
        return {"missing": missing, "version": None if supported is None else supported.found()}

    def prepare(self, model: str, n_steps: int) -> dict[str, Any]:
        """Load a policy and build its network."""
        start = time.perf_counter()
        self._target.prepare(load_policy(model), n_steps)
        return {"seconds": time.perf_counter() - start}

    def run(
        self, observations: str, decisions: str, seed: int, record: bool, result: str
    ) -> dict[str, Any]:
        """Decide; arrays come and go as files."""
        values = np.load(observations, allow_pickle=False)
        keys = np.load(decisions, allow_pickle=False)
        start = time.perf_counter()
        run = self._target.run(values, seed=seed, decisions=keys, record=record)
        seconds = time.perf_counter() - start
        write_run(run, Path(result))
        return {"seconds": run.seconds or seconds, "notes": list(run.notes)}

    def close(self) -> None:
        """End what the target holds."""
        self._target.close()
