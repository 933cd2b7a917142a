"""What a training run gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsqn_fast.model import AnnModel, SpikingModel
from dsqn_fast.training.network_evaluation import NetworkEvaluation


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingReport:
    """A finished training run.

    Attributes:
        ann: The best network, its provenance inside.
        best: The evaluation that it was chosen by.
        test: Its score on fresh episodes, which no choice depended on.
        evaluations: All evaluations, in order.
        seconds: Time from start to end, the evaluations included.
        folder: Where the run's files are.
        seed: Seed of the run.
        env_id: Environment.
        command: Command that repeats the run.
        model: The spiking policy that it became; None if it was not converted.
        spiking: What that policy reached on the same episodes as ``test``, as JSON values.
    """

    ann: AnnModel
    best: NetworkEvaluation
    test: NetworkEvaluation
    evaluations: tuple[NetworkEvaluation, ...]
    seconds: float
    folder: Path
    seed: int
    env_id: str
    command: str
    model: SpikingModel | None = None
    spiking: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON values, without the networks."""
        return {
            "env_id": self.env_id,
            "seed": self.seed,
            "command": self.command,
            "best": self.best.to_dict(),
            "test": self.test.to_dict(),
            "spiking": None if self.spiking is None else dict(self.spiking),
            "seconds": self.seconds,
            "folder": str(self.folder),
        }
