"""Teaching a ReLU network the actions of another by cross-entropy, rounded or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from dsqn_fast.model import AnnModel, Dense
from dsqn_fast.training.input_scaling import InputScaling
from dsqn_fast.training.lessons import ImitationOptions, Lessons
from dsqn_fast.training.relu_pupil import ReluPupil
from dsqn_fast.training.teaching import Teaching
from dsqn_fast.training.torch_threads import one_thread

__all__ = ["Imitation", "ImitationOptions", "Lessons", "imitate"]


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
        levels: Round every hidden activation to so many levels, see `ReluPupil`; None for plain
            ReLU.
        sharpness: Factor on the outputs inside the cross-entropy.
        seed: Seed of the order of the states.

    Raises:
        TrainingError: The loss is not finite.
    """
    dense = isinstance(student.layers[0], Dense)
    scaling = InputScaling.of(lessons.observations) if dense else None
    start = scaling.unfold(student) if scaling else student
    inputs = scaling.apply(lessons.observations) if scaling else _images(student, lessons)
    pupil = ReluPupil(start, levels=levels, sharpness=sharpness)
    with one_thread():
        teaching = Teaching(
            pupil,
            states=torch.from_numpy(np.ascontiguousarray(inputs)),
            actions=torch.from_numpy(lessons.actions.astype(np.int64)),
            n_training=lessons.n_training,
            options=options,
            generator=torch.Generator().manual_seed(seed % 2**63),
        )
        while not teaching.finished:
            teaching.run_epoch()
    teaching.restore_best()
    best = pupil.network.to_ann()
    return Imitation(
        ann=scaling.fold(best) if scaling else best,
        accuracy=max(teaching.accuracies),
        epoch=teaching.best_epoch,
        accuracies=tuple(teaching.accuracies),
    )


def _images(student: AnnModel, lessons: Lessons) -> NDArray[np.float32]:
    """Images as the network has them inside: channels last, float32."""
    from dsqn_fast.model.observations import prepare_observations

    prepared = prepare_observations(student, lessons.observations, np.float32)
    return prepared.astype(np.float32)
