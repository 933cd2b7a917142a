"""This package's engine, as one of the peers."""

from __future__ import annotations

from typing import ClassVar

from dsqn_fast.benchmarking.peers.peer import Floats, Peer
from dsqn_fast.engine import Engine, active_isa
from dsqn_fast.model.options import PRECISIONS
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.version import package_version


class EnginePeer(Peer):
    """`Engine.run`, float32, one thread."""

    title = "dsqn-fast"
    distribution = "dsqn-fast"
    modules = ("dsqn_fast._core",)
    precision: ClassVar[str] = "float32"

    def version(self) -> str:
        """Version of this package and the instruction set of its kernels."""
        return f"{package_version()} {active_isa()}"

    def available(self) -> str | None:
        """None, or that there is no such precision."""
        if self.precision not in PRECISIONS:
            return f"this version of the engine has no precision {self.precision!r}"
        return super().available()

    def prepare(self, model: SpikingModel, n_steps: int, batch: int) -> None:
        """Compile the model."""
        # Fixed point checks ranges for the T of the model.
        model = model.replace(n_steps=n_steps)
        self._engine = Engine(model, precision=self.precision)  # type: ignore[arg-type]
        self._n_steps = n_steps

    def decide(self, observations: Floats) -> Floats:
        """Outputs of one run; the arguments are checked as for any user."""
        result = self._engine.run(observations, n_steps=self._n_steps)
        return result.outputs

    def decide_on(self, observations: Floats, first: int) -> Floats:
        """Outputs of one run whose noise is that of decisions ``first`` and on."""
        result = self._engine.run(observations, n_steps=self._n_steps, decisions=first)
        return result.outputs


class FixedEnginePeer(EnginePeer):
    """`Engine.run` in fixed point."""

    title = "dsqn-fast, fixed point"
    precision = "fixed"
