"""When a training evaluates its network, writes a checkpoint and tells how far it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from dsqn_fast.training.network_evaluation import NetworkEvaluation

PROGRESS_STEPS: Final = 100
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


@dataclass(kw_only=True)
class Schedule:
    """Told of every step by a learner, calls for what is due.

    Attributes:
        total_steps: Environment steps of the whole run, which ends with an evaluation.
        eval_every: Environment steps between two evaluations.
        checkpoint_every: Environment steps between two checkpoints, at least: one is made where
            the learner can be written down.
        evaluate: Evaluates the network of this moment; given the step.
        checkpoint: Writes the learner down.
        progress: Called every so often with the step.
        done: Steps done before.
    """

    total_steps: int
    eval_every: int
    checkpoint_every: int
    evaluate: Callable[[int], None]
    checkpoint: Callable[[], None]
    progress: Callable[[int], None]
    done: int

    def __post_init__(self) -> None:
        self._last_checkpoint = self.done

    def after(self, step: int) -> None:
        """A learner has done so many environment steps in all."""
        ended = self.done < self.total_steps <= step
        due = ended or self._crossed(step, self.eval_every)
        if due:
            self.evaluate(step)
        if due or self._crossed(step, PROGRESS_STEPS):
            self.progress(step)
        self.done = step

    def between(self, step: int) -> None:
        """A learner is at a moment from which it can go on."""
        if step - self._last_checkpoint >= self.checkpoint_every:
            self._last_checkpoint = step
            self.checkpoint()

    def _crossed(self, step: int, every: int) -> bool:
        """Whether a multiple of ``every`` lies after the last step and not after this one."""
        return step // every > self.done // every
