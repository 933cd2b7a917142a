"""Sources made easier to convert: fine-tuning routes, and classifiers taught by any policy.

Conversion imports no torch; it is given these as functions.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from dsqn_fast.conversion.auto import Route
from dsqn_fast.conversion.observation_files import load_observations
from dsqn_fast.errors import UnsupportedLayerError
from dsqn_fast.importers import load_ann, load_teacher
from dsqn_fast.model.ann import AnnModel
from dsqn_fast.training.distill import Distillation, DistillOptions, distill
from dsqn_fast.training.qcfs import finetune_qcfs

if TYPE_CHECKING:
    from dsqn_fast.training.imitation import ImitationOptions


def qcfs_route(options: ImitationOptions | None = None) -> Route:
    """Fine-tune by imitation with activations that are rounded as spikes will be.

    Args:
        options: How long and how fast; None for the defaults.
    """

    def tune(ann: AnnModel, observations: NDArray[Any], n_steps: int, seed: int) -> AnnModel:
        return finetune_qcfs(ann, observations, n_steps=n_steps, seed=seed, options=options).ann

    return Route(name="qcfs", tune=tune)


def distill_route() -> Route:
    """Teach a classifier the source's actions, on states that both of them visit."""

    def tune(ann: AnnModel, observations: NDArray[Any], n_steps: int, seed: int) -> AnnModel:
        student = distill(ann, observations, seed=seed, options=DistillOptions(n_steps=n_steps)).ann
        return replace(student, env_id=ann.env_id, preprocessing=ann.preprocessing)

    return Route(name="distill", tune=tune)


def load_or_distill(
    source: str | Path,
    *,
    env_id: str | None = None,
    observations: str | Path | None = None,
    n_steps: int | None = None,
    seed: int = 0,
) -> tuple[AnnModel, Distillation | None]:
    """A source network; where its layers cannot be converted, a classifier that it taught.

    Args:
        source: A file that `load_ann` reads.
        env_id: Environment that the teacher plays, where the file does not say.
        observations: File of states that it visits, where it shall not play.
        n_steps: Levels that the classifier's activations are rounded to while it learns.
        seed: Seed of everything random.

    Returns:
        The network, and how it was taught; None where it is the source itself.

    Raises:
        As `load_ann`, `load_observations` and `distill`.
    """
    try:
        return load_ann(source, env_id=env_id), None
    except UnsupportedLayerError:
        teacher = load_teacher(source, env_id=env_id)
        seen = None if observations is None else load_observations(observations)
        taught = distill(
            teacher, seen, env_id=env_id, seed=seed, options=DistillOptions(n_steps=n_steps)
        )
        ann = replace(
            taught.ann,
            env_id=env_id or teacher.env_id,
            preprocessing=teacher.preprocessing,
        )
        return ann, taught
