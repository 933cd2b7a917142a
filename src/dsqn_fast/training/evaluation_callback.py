"""Evaluates a Stable-Baselines3 run every so many steps, and lets it be written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stable_baselines3.common.callbacks import BaseCallback

from dsqn_fast.training.network_evaluation import NetworkEvaluation

PROGRESS_STEPS = 100
"""Steps between two reports of progress."""


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
    """Calls for evaluations and checkpoints when they are due.

    Args:
        eval_every: Environment steps between two evaluations.
        checkpoint_every: Environment steps between two checkpoints, at least: one is made
            between two visits to the environment.
        total_steps: Environment steps of the whole run, which ends with an evaluation.
        evaluate: Evaluates the network of this moment; given the step.
        checkpoint: Writes the learner down.
        progress: Called every so often with the step.
    """

    def __init__(
        self,
        *,
        eval_every: int,
        checkpoint_every: int,
        total_steps: int,
        evaluate: Callable[[int], None],
        checkpoint: Callable[[], None],
        progress: Callable[[int], None],
    ) -> None:
        super().__init__()
        self.eval_every, self.checkpoint_every = eval_every, checkpoint_every
        self.total_steps = total_steps
        self.evaluate, self.checkpoint, self.progress = evaluate, checkpoint, progress
        self.last_checkpoint = 0

    def _on_training_start(self) -> None:
        self.last_checkpoint = self.model.num_timesteps

    def _on_rollout_start(self) -> None:
        if self.model.num_timesteps - self.last_checkpoint >= self.checkpoint_every:
            self.last_checkpoint = self.model.num_timesteps
            self.checkpoint()

    def _on_step(self) -> bool:
        step = self.num_timesteps
        due = step % self.eval_every == 0 or step == self.total_steps
        if due:
            self.evaluate(step)
        if due or step % PROGRESS_STEPS == 0:
            self.progress(step)
        return True
