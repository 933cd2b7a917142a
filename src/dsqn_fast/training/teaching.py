"""Epoch after epoch of imitation, which can be stopped and taken up again between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch

from dsqn_fast.errors import TrainingError
from dsqn_fast.training.lessons import ImitationOptions
from dsqn_fast.training.pupils import Pupil

JUDGED_AT_ONCE: Final = 4096


class Teaching:
    """Teaches a pupil a set of states, and keeps the weights of its best epoch.

    Args:
        pupil: Who is taught; its weights of now count as an epoch that may be the best.
        states: (B, *shape) float32.
        actions: (B,) int64, the teacher's.
        n_training: The first so many are trained on, the others validate.
        options: How.
        generator: Draws the order of the states.
    """

    def __init__(
        self,
        pupil: Pupil,
        *,
        states: torch.Tensor,
        actions: torch.Tensor,
        n_training: int,
        options: ImitationOptions,
        generator: torch.Generator,
    ) -> None:
        self.pupil, self.options, self.generator = pupil, options, generator
        self.training = states[:n_training], actions[:n_training]
        self.validation = states[n_training:], actions[n_training:]
        self.optimizer = pupil.make_optimizer(options.learning_rate)
        batches = -(-n_training // options.batch_size)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
            self.optimizer, options.epochs * batches
        )
        self.losses: list[float] = []
        self.accuracies = [self.accuracy()]
        self.best_weights = self._weights()

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.accuracies) - 1

    @property
    def finished(self) -> bool:
        """Whether all epochs are done."""
        return self.epoch >= self.options.epochs

    @property
    def best_epoch(self) -> int:
        """The first of the most accurate epochs, counted from 1; 0 is the start."""
        return self.accuracies.index(max(self.accuracies))

    @torch.no_grad()
    def accuracy(self) -> float:
        """Share of validation states with the teacher's action, as the weights are now."""
        self._before_look = self.generator.get_state()
        self.pupil.look_at(self.training[0], self.generator)
        states, actions = self.validation
        parts = torch.split(states, JUDGED_AT_ONCE)
        chosen = torch.cat([self.pupil.logits(part).argmax(1) for part in parts])
        return float((chosen == actions).double().mean())

    def run_epoch(self) -> None:
        """Learn all states of training once, in random order.

        Raises:
            TrainingError: The loss is not finite; the weights are those before that step.
        """
        states, actions = self.training
        order = torch.randperm(len(states), generator=self.generator)
        total = 0.0
        for rows in torch.split(order, self.options.batch_size):
            self.optimizer.zero_grad()
            loss = self.pupil.learn(states[rows], actions[rows]).item()
            if not abs(loss) < float("inf"):
                raise TrainingError(
                    f"the loss became {loss} in epoch {self.epoch + 1}, where a finite number is "
                    "needed: lower learning_rate"
                )
            self.optimizer.step()
            self.schedule.step()
            total += loss * len(rows)
        self.losses.append(total / len(states))
        accuracy = self.accuracy()
        if accuracy > max(self.accuracies):
            self.best_weights = self._weights()
        self.accuracies.append(accuracy)

    def restore_best(self) -> None:
        """Bring the pupil back to its best epoch."""
        self.pupil.module.load_state_dict(self.best_weights)

    def state(self) -> dict[str, Any]:
        """This moment: tensors, numbers, lists and mappings of them."""
        return {
            "weights": self._weights(),
            "best_weights": self.best_weights,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "generator": self._before_look,
            "accuracies": list(self.accuracies),
            "losses": list(self.losses),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Come back to a moment of the same teaching."""
        self.pupil.module.load_state_dict(state["weights"])
        self.best_weights = dict(state["best_weights"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.accuracies, self.losses = list(state["accuracies"]), list(state["losses"])
        # What the pupil last saw is drawn once more, which leaves the generator where it was.
        self._before_look = state["generator"]
        self.generator.set_state(self._before_look)
        self.pupil.look_at(self.training[0], self.generator)

    def _weights(self) -> dict[str, torch.Tensor]:
        weights = self.pupil.module.state_dict()
        return {name: tensor.clone() for name, tensor in weights.items()}
