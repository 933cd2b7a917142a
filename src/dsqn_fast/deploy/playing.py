"""A policy that plays on a target, its actions compared with the engine's as it plays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.agents import SpikingAgent
from dsqn_fast.deploy.backend import Backend
from dsqn_fast.deploy.report import Agreement
from dsqn_fast.deploy.result import TargetResult
from dsqn_fast.engine import Engine
from dsqn_fast.model.spiking import SpikingModel


class ComparedBackend:
    """A backend whose every decision the engine makes as well, with the policy as shipped.

    An instance is a `dsqn_fast.agents.Simulator`.

    Args:
        backend: The policy on its target.
        model: The policy as shipped.

    Attributes:
        backend: The same.
        equal: Decisions in which both took the same action.
        decisions: All decisions.
    """

    def __init__(self, backend: Backend, model: SpikingModel) -> None:
        self.backend, self.equal, self.decisions = backend, 0, 0
        self._engine = Engine(model.replace(n_steps=backend.n_steps))

    def __call__(
        self,
        observations: NDArray[Any],
        *,
        n_steps: int,
        seed: int,
        decisions: int | NDArray[np.uint64],
        record: Sequence[int] | Literal["all"] = (),
    ) -> TargetResult:
        """Decisions of the target; see `Backend`."""
        result = self.backend(
            observations, n_steps=n_steps, seed=seed, decisions=decisions, record=record
        )
        ours = self._engine.run(observations, seed=seed, decisions=decisions).actions
        self.equal += int((ours == result.actions).sum())
        self.decisions += len(ours)
        return result

    def agreement(self) -> Agreement | None:
        """Share of decisions in which the engine took the same action; None before the first."""
        return Agreement(equal=self.equal, of=self.decisions) if self.decisions else None

    def to_dict(self) -> dict[str, Any]:
        """Where and how it played, as JSON values."""
        agreement, backend = self.agreement(), self.backend
        return {
            "backend": backend.name,
            "backend_title": backend.target.title,
            "backend_version": backend.version,
            "backend_options": backend.target.chosen,
            "emulated": backend.target.emulated,
            "agreement_engine": None if agreement is None else agreement.to_dict(),
            "milliseconds_per_decision": 1e3 * backend.seconds / max(self.decisions, 1),
            "notes": list(backend.notes),
        }


class BackendAgent(SpikingAgent):
    """A spiking policy that plays on a target; `predict` as of every agent.

    Use it as a context, or close it: its process lives as long as it does.

    Args:
        model: The policy.
        name: The target.
        n_steps: Time steps T; None takes the model's own.
        seed: Seed of the noise.
        options: Options of the target.
        python: The Python that runs the target.

    Attributes:
        compared: The target, and how often the engine took the same action.

    Raises:
        UnsupportedError: The target cannot run this policy.
        MissingTargetError: The target is not installed.
    """

    def __init__(
        self,
        model: SpikingModel,
        name: str,
        *,
        n_steps: int | None = None,
        seed: int = 0,
        options: Mapping[str, Any] | None = None,
        python: str | None = None,
    ) -> None:
        backend = Backend(model, name, n_steps=n_steps, options=options, python=python)
        self.compared = ComparedBackend(backend, model)
        super().__init__(model, n_steps=backend.n_steps, seed=seed, simulator=self.compared)

    def close(self) -> None:
        """End the target's process."""
        self.compared.backend.close()

    def __enter__(self) -> BackendAgent:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
