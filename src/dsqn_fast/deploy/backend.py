"""A target as a simulator: its process, asked for one batch of decisions after the other."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.deploy.catalogue import make_target
from dsqn_fast.deploy.exchange import read_run
from dsqn_fast.deploy.interpreters import interpreter
from dsqn_fast.deploy.result import TargetResult
from dsqn_fast.encodings import encode
from dsqn_fast.errors import MissingTargetError, OptionError, TargetError, UnsupportedError
from dsqn_fast.model.forward import flattened
from dsqn_fast.model.observations import prepare_observations
from dsqn_fast.model.options import check_n_steps
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.run_options import check_decisions, check_seed
from dsqn_fast.workers.worker import Worker, WorkerError

SERVER: Final = ("dsqn_fast.deploy.server", "Server")


class Backend:
    """A policy on a target, in the target's own process.

    An instance is a `dsqn_fast.agents.Simulator`. Use it as a context, or close it.

    Args:
        model: The policy as shipped.
        name: The target.
        n_steps: Time steps T; None takes the model's own.
        options: Options of the target.
        python: The Python that runs it; None looks for the target's own, else takes this one.
        timeout: Seconds after which a request is given up.

    Attributes:
        target: The target, in this process: it only answers what needs nothing foreign.
        counterpart: The policy as the target runs it.
        version: Version of the foreign package.
        notes: Sentences of the runs so far.

    Raises:
        OptionError: There is no such target or option, or no such Python.
        UnsupportedError: The target cannot run this policy, and why.
        MissingTargetError: The target is not installed, or in another version.
        TargetError: It failed.
    """

    def __init__(
        self,
        model: SpikingModel,
        name: str,
        *,
        n_steps: int | None = None,
        options: Mapping[str, Any] | None = None,
        python: str | None = None,
        timeout: float = 600.0,
    ) -> None:
        self.name, self.target = name, make_target(name, options)
        self.n_steps = check_n_steps(model.n_steps if n_steps is None else n_steps)
        if (reason := self.target.unsupported(model)) is not None:
            raise UnsupportedError(reason)
        self.counterpart = self.target.counterpart(model)
        self._model, self.seconds, self._closed = model, 0.0, False
        self.notes: tuple[str, ...] = ()
        self._folder = tempfile.TemporaryDirectory(prefix="dsqn-fast-")
        try:
            self._start(interpreter(name, python), timeout)
        except BaseException:
            self.close()
            raise

    def _start(self, python: str, timeout: float) -> None:
        home, kind = Path(self._folder.name), type(self.target)
        try:
            # Simulators write configurations to the home folder.
            self._worker = Worker(
                *SERVER,
                [kind.__module__, kind.__name__, self.target.chosen],
                python=python,
                timeout=timeout,
                variables={"HOME": str(home)},
            )
        except OSError as error:
            raise TargetError(f"{python!r} cannot be started: {error.strerror}") from error
        reply = self._ask("hello")
        self.version: str | None = reply["version"]
        if reply["missing"] is not None:
            raise MissingTargetError(f"target {self.name!r} cannot run: {reply['missing']}")
        self._model.replace(source=None).save(home / "policy.npz")
        self._ask("prepare", model=str(home / "policy.npz"), n_steps=self.n_steps)

    def _ask(self, do: str, **details: Any) -> dict[str, Any]:
        try:
            return self._worker.ask(do, **details)
        except WorkerError as error:
            raise TargetError(f"target {self.name!r} failed: {error}") from error

    def __call__(
        self,
        observations: NDArray[Any],
        *,
        n_steps: int | None = None,
        seed: int = 0,
        decisions: int | NDArray[np.uint64] = 0,
        record: Sequence[int] | Literal["all"] = (),
    ) -> TargetResult:
        """Decisions of the target; the arguments are those of `Engine.run`.

        ``record`` other than () records the spikes of all populations.

        Raises:
            ObservationError: Observations do not fit or are not finite.
            OptionError: ``n_steps`` is not the one that the network was built for.
            TargetError: The target failed.
        """
        if n_steps not in (None, self.n_steps):
            raise OptionError(f"n_steps must be {self.n_steps}, as built, not {n_steps}")
        if self._closed:
            raise TargetError(f"target {self.name!r} was closed: make another backend")
        model = self.counterpart.model
        inputs = prepare_observations(model, observations, np.float64)
        keys, seed = check_decisions(decisions, len(inputs)), check_seed(seed)
        home = Path(self._folder.name)
        np.save(home / "observations.npy", inputs)
        np.save(home / "decisions.npy", keys)
        reply = self._ask(
            "run",
            observations=str(home / "observations.npy"),
            decisions=str(home / "decisions.npy"),
            seed=seed,
            record=bool(len(record)),
            result=str(home / "result.npz"),
        )
        self.notes = tuple(dict.fromkeys([*self.notes, *reply["notes"]]))
        self.seconds += reply["seconds"]
        run = read_run(home / "result.npz", seconds=reply["seconds"], notes=self.notes)
        return TargetResult(
            model, run, n_steps=self.n_steps, input_spikes=self._input_spikes(inputs, seed, keys)
        )

    def _input_spikes(
        self, inputs: NDArray[Any], seed: int, keys: NDArray[np.uint64]
    ) -> NDArray[np.int64] | None:
        encoding = self.counterpart.model.encoding
        if encoding == "constant":
            return None
        spikes = encode(encoding, flattened(inputs), self.n_steps, seed=seed, decisions=keys)
        emitted: NDArray[np.int64] = np.abs(spikes.astype(np.int64)).sum(axis=1)
        return emitted

    def close(self) -> None:
        """End the process and remove its files."""
        self._closed = True
        if hasattr(self, "_worker"):
            self._worker.close()
        self._folder.cleanup()

    def __enter__(self) -> Backend:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
