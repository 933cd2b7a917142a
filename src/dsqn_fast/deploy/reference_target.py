"""The NumPy reference as a target: shows what verification does, and needs nothing foreign."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.deploy.target import Counterpart, Target, TargetRun
from dsqn_fast.model.spiking import SpikingModel


class ReferenceTarget(Target):
    """`simulate_reference` in a process of its own."""

    title = "NumPy reference"

    def unsupported(self, model: SpikingModel) -> str | None:
        """Decisions that end early."""
        return refuse_early_decisions(model, self.title)

    def counterpart(self, model: SpikingModel) -> Counterpart:
        """The policy itself, in float64, always with all its steps."""
        return Counterpart(model=model.replace(early_exit=None), words="in float64")

    def prepare(self, model: SpikingModel, n_steps: int) -> None:
        """Keep them."""
        self._model, self._n_steps = self.counterpart(model).model, n_steps

    def run(
        self,
        observations: NDArray[Any],
        *,
        seed: int,
        decisions: NDArray[np.uint64],
        record: bool,
    ) -> TargetRun:
        """Simulate."""
        from dsqn_fast.reference import simulate_reference

        model = self._model.replace(channels_first=False)
        last = len(model.populations) - 1
        result = simulate_reference(
            model,
            observations,
            n_steps=self._n_steps,
            seed=seed,
            decisions=decisions,
            precision="float64",
            record="all" if record else [last],
        )
        return TargetRun(
            potentials=result.potentials[last][:, -1].astype(np.float64),
            spike_counts=result.spike_counts,
            spikes=result.spikes if record else {},
        )


def refuse_early_decisions(model: SpikingModel, title: str) -> str | None:
    """The sentence for policies whose decisions do not take all their steps."""
    if model.decoding == "first-spike":
        return (
            f"{title} runs all steps of a decision, but decoding 'first-spike' ends it before: "
            "use decoding 'count' or 'potential'"
        )
    return None
