"""Teaching a ReLU network the actions of another by cross-entropy, rounded or not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from dsqn_fast.errors import ObservationError, OptionError, TrainingError
from dsqn_fast.model import AnnModel, Dense
from dsqn_fast.training.input_scaling import InputScaling
from dsqn_fast.training.torch_threads import one_thread
from dsqn_fast.training.trainable_network import Activation, TrainableNetwork, relu

QUANTILE = 0.999
"""Of a neuron's activations: its scale, as `channel` normalisation takes it."""
SCALE_STATES = 4_000
"""Observations that scales are taken over."""
FEWEST_STATES = 20


@dataclass(frozen=True, kw_only=True)
class ImitationOptions:
    """How a network is taught.

    Attributes:
        epochs: Passes over the states.
        learning_rate: Of Adam at the start; it falls to 0 along half a cosine.
        batch_size: States of one gradient step.
        validation_share: Share of the states, whole episodes at the end, on which the best
            epoch is chosen.
    """

    epochs: int = 40
    learning_rate: float = 1e-3
    batch_size: int = 256
    validation_share: float = 0.1

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise OptionError(f"{name} must be an integer of at least 1, not {value!r}")
        if not 0.0 < self.learning_rate < 1e3:
            raise OptionError(f"learning_rate must be above 0, not {self.learning_rate!r}")
        if not 0.0 < self.validation_share < 1.0:
            raise OptionError(
                f"validation_share must be between 0 and 1, not {self.validation_share!r}"
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class Lessons:
    """States and the teacher's actions on them, shared out into training and validation.

    Attributes:
        observations: (B, *shape).
        actions: (B,) int64.
        n_training: The first so many are trained on, the others validate.
    """

    observations: NDArray[Any]
    actions: NDArray[np.int64]
    n_training: int

    @staticmethod
    def share_out(
        observations: NDArray[Any],
        actions: NDArray[np.int64],
        share: float,
        episode: NDArray[np.int64] | None = None,
    ) -> Lessons:
        """Keep the last ``share`` of the states for validation, whole episodes of them.

        Args:
            observations: (B, *shape).
            actions: (B,) the teacher's actions.
            share: Between 0 and 1.
            episode: (B,) ascending numbers; None to cut anywhere.

        Raises:
            ObservationError: There are too few states.
        """
        count = len(observations)
        if count < FEWEST_STATES:
            raise ObservationError(
                f"{count} observations are too few to teach a network: give {FEWEST_STATES} or more"
            )
        cut = min(max(round(count * (1 - share)), 1), count - 1)
        if episode is not None and episode[0] < episode[cut]:
            cut = int(np.searchsorted(episode, episode[cut]))
        return Lessons(observations=observations, actions=actions, n_training=cut)


@dataclass(frozen=True, kw_only=True, eq=False)
class Imitation:
    """A taught network and how far it got.

    Attributes:
        ann: The network of the best epoch.
        accuracy: Share of validation states with the teacher's action, at that epoch.
        epoch: That epoch, counted from 1; 0 if the start was best.
        accuracies: Of every epoch, the start first.
    """

    ann: AnnModel
    accuracy: float
    epoch: int
    accuracies: tuple[float, ...]


@dataclass(kw_only=True, eq=False)
class _Lesson:
    """One imitation under way, on scaled observations."""

    network: TrainableNetwork
    observations: torch.Tensor
    actions: torch.Tensor
    n_training: int
    options: ImitationOptions
    levels: int | None
    sharpness: float
    generator: torch.Generator
    scales: list[torch.Tensor] = field(default_factory=list)

    def activation(self) -> Activation:
        """ReLU, or its rounding to levels of each neuron's present scale."""
        return relu if self.levels is None else _rounding(self.scales, self.levels)

    @torch.no_grad()
    def measure_scales(self) -> None:
        """Take each neuron's scale from what the network, unrounded, does now."""
        if self.levels is None:
            return
        training = self.observations[: self.n_training]
        rows = torch.randperm(len(training), generator=self.generator)[:SCALE_STATES]
        _, hidden = self.network(training[rows])
        self.scales = [_scale(values.relu()) for values in hidden]

    @torch.no_grad()
    def accuracy(self) -> float:
        """Share of validation states with the teacher's action."""
        self.measure_scales()
        observations = self.observations[self.n_training :]
        activation = self.activation()
        chosen = torch.cat(
            [
                self.network(part, activation)[0].argmax(1)
                for part in torch.split(observations, 4096)
            ]
        )
        return float((chosen == self.actions[self.n_training :]).double().mean())

    def run(self) -> tuple[list[float], AnnModel]:
        """Teach; returns the accuracies, the start's first, and the best network."""
        parameters = self.network.parameters()
        optimizer = torch.optim.Adam(parameters, self.options.learning_rate)
        batches = -(-self.n_training // self.options.batch_size)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
            optimizer, self.options.epochs * batches
        )
        accuracies, best = [self.accuracy()], self.network.to_ann()
        for epoch in range(self.options.epochs):
            self._epoch(optimizer, schedule, epoch + 1)
            accuracies.append(self.accuracy())
            if accuracies[-1] > max(accuracies[:-1]):
                best = self.network.to_ann()
        return accuracies, best

    def _epoch(self, optimizer: Any, schedule: Any, epoch: int) -> None:
        activation = self.activation()
        order = torch.randperm(self.n_training, generator=self.generator)
        for rows in torch.split(order, self.options.batch_size):
            outputs, _ = self.network(self.observations[rows], activation)
            loss = functional.cross_entropy(outputs * self.sharpness, self.actions[rows])
            if not torch.isfinite(loss):
                raise TrainingError(
                    f"the loss became {loss.item()} in epoch {epoch}, where a finite number is "
                    "needed: lower learning_rate"
                )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()


def imitate(
    student: AnnModel,
    lessons: Lessons,
    *,
    options: ImitationOptions,
    levels: int | None = None,
    sharpness: float = 1.0,
    seed: int = 0,
) -> Imitation:
    """Teach a network the actions of its lessons.

    Args:
        student: Where the weights start.
        lessons: States and actions.
        options: How.
        levels: Round every hidden activation as a neuron does in so many time steps:
            h = scale / L * clip(floor(a L / scale + 1/2), 0, L), with the gradient of a where
            it is not clipped (quantisation-clip-floor-shift, Bu et al. 2022). The scale of a
            neuron or channel is the 0.999 quantile of its unrounded activations, taken anew
            each epoch, so that `channel` normalisation finds the same. None for plain ReLU.
        sharpness: Factor on the outputs inside the cross-entropy.
        seed: Seed of the order of the states.

    Raises:
        TrainingError: The loss is not finite.
    """
    dense = isinstance(student.layers[0], Dense)
    scaling = InputScaling.of(lessons.observations) if dense else None
    start = scaling.unfold(student) if scaling else student
    inputs = scaling.apply(lessons.observations) if scaling else _images(student, lessons)
    with one_thread():
        accuracies, best = _Lesson(
            network=TrainableNetwork(start),
            observations=torch.from_numpy(np.ascontiguousarray(inputs)),
            actions=torch.from_numpy(lessons.actions.astype(np.int64)),
            n_training=lessons.n_training,
            options=options,
            levels=levels,
            sharpness=sharpness,
            generator=torch.Generator().manual_seed(seed % 2**63),
        ).run()
    return Imitation(
        ann=scaling.fold(best) if scaling else best,
        accuracy=max(accuracies),
        epoch=int(np.argmax(accuracies)),
        accuracies=tuple(accuracies),
    )


def _images(student: AnnModel, lessons: Lessons) -> NDArray[np.float32]:
    """Images as the network has them inside: channels last, float32."""
    from dsqn_fast.model.observations import prepare_observations

    prepared = prepare_observations(student, lessons.observations, np.float32)
    return prepared.astype(np.float32)


def _scale(activations: torch.Tensor) -> torch.Tensor:
    """Per neuron or channel the quantile, floored at a thousandth of the layer's largest."""
    flat = activations.reshape(-1, activations.shape[-1]).numpy()
    scale = np.quantile(flat, QUANTILE, axis=0)
    return torch.from_numpy(np.maximum(scale, 1e-3 * flat.max() + 1e-12).astype(np.float32))


def _rounding(scales: list[torch.Tensor], levels: int) -> Activation:
    def activation(layer: int, values: torch.Tensor) -> torch.Tensor:
        shifted = values / scales[layer] * levels + 0.5
        # The floor has no useful gradient: it is passed through as if it were not there.
        whole = shifted + (torch.floor(shifted) - shifted).detach()
        return torch.clamp(whole, 0, levels) * (scales[layer] / levels)

    return activation
