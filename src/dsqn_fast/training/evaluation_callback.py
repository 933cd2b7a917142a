"""Evaluates a Stable-Baselines3 run every so many steps and keeps the best network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stable_baselines3.common.callbacks import BaseCallback

from dsqn_fast.errors import TrainingError
from dsqn_fast.model import AnnModel
from dsqn_fast.training.network_evaluation import NetworkEvaluation


@dataclass(frozen=True, kw_only=True)
class TrainingProgress:
    """How far a training is.

    Attributes:
        step: Environment steps done.
        total_steps: Environment steps wanted.
        mean_return: Of the last evaluation; None before the first.
        best: The best evaluation so far; None before the first.
    """

    step: int
    total_steps: int
    mean_return: float | None
    best: NetworkEvaluation | None


class EvaluationCallback(BaseCallback):
    """Evaluates every ``every`` steps, keeps the best network and tells how far the run is.

    Args:
        every: Environment steps between two evaluations.
        total_steps: Environment steps of the whole run, which ends with an evaluation.
        export: Makes the network of this moment.
        evaluate: Lets a network play; given it and the step.
        record: Called with every evaluation and, where it is the best so far, its network.
        progress: Called after every evaluation and now and then between.
    """

    def __init__(
        self,
        *,
        every: int,
        total_steps: int,
        export: Callable[[], AnnModel],
        evaluate: Callable[[AnnModel, int], NetworkEvaluation],
        record: Callable[[NetworkEvaluation, AnnModel | None], None],
        progress: Callable[[TrainingProgress], None] | None = None,
    ) -> None:
        super().__init__()
        self.every, self.total_steps = every, total_steps
        self.export, self.evaluate, self.record = export, evaluate, record
        self.progress = progress
        self.last: NetworkEvaluation | None = None
        self.best: NetworkEvaluation | None = None
        self.best_network: AnnModel | None = None

    def _on_step(self) -> bool:
        step = self.num_timesteps
        due = step % self.every == 0 or step == self.total_steps
        if due:
            self._evaluate(step)
        if self.progress is not None and (due or step % 100 == 0):
            last = None if self.last is None else self.last.mean_return
            self.progress(
                TrainingProgress(
                    step=step, total_steps=self.total_steps, mean_return=last, best=self.best
                )
            )
        return True

    def _evaluate(self, step: int) -> None:
        network = self.export()
        self.last = self.evaluate(network, step)
        better = self.best is None or self.last.rank > self.best.rank
        if better:
            self.best, self.best_network = self.last, network
        self.record(self.last, network if better else None)

    def result(self) -> tuple[AnnModel, NetworkEvaluation]:
        """The best network and its evaluation.

        Raises:
            TrainingError: No evaluation was made.
        """
        if self.best is None or self.best_network is None:
            raise TrainingError("the run ended before its first evaluation: train for longer")
        return self.best_network, self.best
