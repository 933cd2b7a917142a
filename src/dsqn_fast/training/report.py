"""What a training run gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsqn_fast.errors import UnsupportedError
from dsqn_fast.model import AnnModel, SpikingModel
from dsqn_fast.training.network_evaluation import Network, NetworkEvaluation


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingReport:
    """A finished training run.

    Attributes:
        method: How it was trained.
        network: The best network, its provenance inside; a `SpikingModel` where a spiking one
            was trained.
        best: The evaluation that it was chosen by.
        test: Its score on fresh episodes, which no choice depended on.
        evaluations: All evaluations, in order.
        seconds: Time from start to end, or since it was resumed, the evaluations included.
        cpu_seconds: Processor time of the same.
        folder: Where the run's files are.
        seed: Seed of the run.
        env_id: Environment.
        command: Command that repeats the run.
        model: The spiking policy that it is or became; None if it was not converted.
        spiking: What that policy reached on the same episodes as ``test``, as JSON values.
        teacher: Of a classifier, what its teacher reached there, see `teacher_score`.
    """

    method: str
    network: Network
    best: NetworkEvaluation
    test: NetworkEvaluation
    evaluations: tuple[NetworkEvaluation, ...]
    seconds: float
    cpu_seconds: float
    folder: Path
    seed: int
    env_id: str
    command: str
    model: SpikingModel | None = None
    spiking: Mapping[str, Any] | None = None
    teacher: Mapping[str, Any] | None = None

    @property
    def ann(self) -> AnnModel:
        """The best network of a method that trains networks without spikes.

        Raises:
            UnsupportedError: The method trained a spiking network.
        """
        if not isinstance(self.network, AnnModel):
            raise UnsupportedError(
                f"{self.method} trains a spiking network, there is no other: use report.model"
            )
        return self.network

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON values, without the networks."""
        return {
            "method": self.method,
            "env_id": self.env_id,
            "seed": self.seed,
            "command": self.command,
            "best": self.best.to_dict(),
            "test": self.test.to_dict(),
            "spiking": None if self.spiking is None else dict(self.spiking),
            "teacher": None if self.teacher is None else dict(self.teacher),
            "seconds": self.seconds,
            "cpu_seconds": self.cpu_seconds,
            "folder": str(self.folder),
        }
