"""A course of lessons as a `Learner`: what is evaluated and kept is as in any other training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from stable_baselines3.common.logger import configure

from dsqn_fast.environments import Environment, check_fits
from dsqn_fast.errors import TrainingError
from dsqn_fast.model import Neuron
from dsqn_fast.training.classifier_settings import (
    ClassifierSettings,
    ErbpClassifierSettings,
    SpikingClassifierSettings,
    SurrogateClassifierSettings,
)
from dsqn_fast.training.course import Course
from dsqn_fast.training.devices import chosen_device
from dsqn_fast.training.distill import check_vector_observations
from dsqn_fast.training.erbp_pupil import ErbpPupil
from dsqn_fast.training.network_evaluation import Network
from dsqn_fast.training.plan import TrainingPlan
from dsqn_fast.training.pupils import Pupil
from dsqn_fast.training.relu_pupil import ReluPupil, new_network
from dsqn_fast.training.sb3_learner import TENSORBOARD
from dsqn_fast.training.schedule import Schedule
from dsqn_fast.training.spiking_network import SpikingNetwork
from dsqn_fast.training.spiking_pupil import SpikingPupil
from dsqn_fast.training.surrogate import Surrogate
from dsqn_fast.training.teacher_score import given_states
from dsqn_fast.training.teachers import open_teacher


class ClassifierLearner:
    """A pupil and its course as a `Learner`, whose steps are epochs.

    Args:
        plan: What to do.
        envs: One environment, to see whether the teacher fits it.
        folder: The run's folder, where the log goes.

    Raises:
        ModelFileError: There is no such teacher.
        UnsupportedError: It sees images.
        EnvironmentMismatchError: It does not fit the environment.
        ObservationError: The file of states cannot be read.
    """

    def __init__(self, plan: TrainingPlan, envs: list[Environment], folder: Path) -> None:
        settings = plan.settings
        assert isinstance(settings, ClassifierSettings)
        self.teacher = open_teacher(settings.teacher, env_id=plan.env_id)
        check_vector_observations(self.teacher.network)
        check_fits(envs[0], self.teacher.network)
        network = self.teacher.network
        self.given = given_states(settings, network)
        sizes = (network.input_shape[0], *settings.hidden, network.n_outputs)
        self.course = Course(
            self.teacher,
            make_pupil(settings, sizes, n_steps=plan.n_steps, seed=plan.seed),
            env_id=plan.env_id,
            states=settings.state_options,
            imitation=settings.imitation_options,
            seed=plan.seed,
        )
        self.logger = configure(str(folder / TENSORBOARD), ["tensorboard"])

    @property
    def steps(self) -> int:
        """Epochs done."""
        return self.course.epochs if self.course.visits else 0

    def learn(self, schedule: Schedule) -> None:
        """See `Learner`."""
        if not self.course.visits:
            self.course.begin(self.given)
        while not self.course.finished:
            schedule.between(self.steps)
            teaching = self.course.teaching
            self.course.advance()
            self.log(
                {
                    "train/loss": teaching.losses[-1],
                    "train/accuracy": teaching.accuracies[-1],
                    "train/states": len(self.course.observations),
                }
            )
            schedule.after(self.steps)

    def network(self, provenance: Mapping[str, Any]) -> Network:
        """See `Learner`."""
        course = self.course
        trained = self.teacher.network.provenance.get("trained", {})
        note = {
            "teacher": {**self.teacher.origin, "command": trained.get("command")},
            "lessons": {
                "states": len(course.observations),
                "round": course.round,
                "accuracy": course.teaching.accuracies[-1],
            },
        }
        return replace(course.network(), provenance={**provenance, **note})

    def log(self, values: Mapping[str, float]) -> None:
        """See `Learner`."""
        for name, value in values.items():
            self.logger.record(name, value)
        self.logger.dump(self.steps)

    def replay(self) -> NDArray[Any] | None:
        """All states that it learned from."""
        return self.course.observations

    def state(self) -> dict[str, Any]:
        """See `Learner`."""
        return {"course": self.course.state(), "teacher": dict(self.teacher.origin)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """See `Learner`.

        Raises:
            TrainingError: The teacher is another one now.
        """
        found, now = state["teacher"]["sha256"], self.teacher.origin["sha256"]
        if found != now:
            raise TrainingError(
                f"the teacher's file had the SHA-256 {found[:12]}..., but has {now[:12]}... now: "
                "resume with the same teacher, or start another run"
            )
        self.course.restore(state["course"])


def make_pupil(
    settings: ClassifierSettings, sizes: tuple[int, ...], *, n_steps: int | None, seed: int
) -> Pupil:
    """A new pupil.

    Args:
        settings: Of which kind.
        sizes: Inputs, hidden neurons, outputs.
        n_steps: Time steps that a ReLU network will be converted for; None for none.
        seed: Seed of its weights.
    """
    if not isinstance(settings, SpikingClassifierSettings):
        levels = n_steps if settings.rounded else None
        return ReluPupil(new_network(sizes, seed=seed), levels=levels)
    torch.manual_seed(seed)
    surrogate = Surrogate()
    if isinstance(settings, SurrogateClassifierSettings):
        surrogate = Surrogate(settings.surrogate, settings.surrogate_scale)
    network = SpikingNetwork(
        sizes,
        neuron=Neuron(beta=settings.beta, reset=settings.reset),
        n_steps=settings.n_steps,
        timing=settings.timing,
        surrogate=surrogate,
        biases=settings.biases,
        initial_potential=settings.initial_potential,
    )
    if isinstance(settings, ErbpClassifierSettings):
        width, threshold = settings.boxcar, settings.error_threshold
        return ErbpPupil(network, seed=seed, width=width, error_threshold=threshold)
    assert isinstance(settings, SurrogateClassifierSettings)
    return SpikingPupil(
        network.to(chosen_device(settings.device)),
        sharpness=settings.sharpness,
        spike_cost=settings.spike_cost,
    )
