"""A course of lessons: a teacher's states are visited and learned, then the pupil's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dsqn_fast.conversion.gather import Policy, play
from dsqn_fast.errors import OptionError
from dsqn_fast.model import AnnModel, SpikingModel
from dsqn_fast.training.input_scaling import InputScaling
from dsqn_fast.training.lessons import ImitationOptions, Lessons
from dsqn_fast.training.pupils import Pupil
from dsqn_fast.training.state_options import StateOptions
from dsqn_fast.training.teachers import Teacher, as_teacher
from dsqn_fast.training.teaching import Teaching


@dataclass(frozen=True, kw_only=True, eq=False)
class Visit:
    """States visited in one round.

    Attributes:
        observations: (B, n).
        actions: (B,) int64, the teacher's.
        episode: (B,) int64, ascending.
    """

    observations: NDArray[Any]
    actions: NDArray[np.int64]
    episode: NDArray[np.int64]


class Course:
    """One course; it can be stopped and taken up again between two epochs.

    Args:
        teacher: Who is imitated.
        pupil: Who learns.
        env_id: Environment; None allows no rounds.
        states: Which states are learned.
        imitation: How they are learned, in every round anew.
        seed: Seed of episodes, random actions and the order of the states.
    """

    def __init__(
        self,
        teacher: Teacher,
        pupil: Pupil,
        *,
        env_id: str | None,
        states: StateOptions,
        imitation: ImitationOptions,
        seed: int,
    ) -> None:
        self.teacher, self.pupil, self.env_id = teacher, pupil, env_id
        self.states, self.imitation, self.seed = states, imitation, seed
        self.rounds = states.rounds if env_id is not None else 0
        self.visits: list[Visit] = []
        self.accuracies: list[float] = []

    def begin(
        self, observations: NDArray[Any] | None = None, episode: NDArray[np.int64] | None = None
    ) -> None:
        """Let the teacher play, or take the states given, and prepare the first round.

        Args:
            observations: (B, n) states, episode after episode; None lets the teacher play.
            episode: (B,) ascending number of each one's episode; None for unknown.

        Raises:
            OptionError: There are neither observations nor an environment.
            ObservationError: They do not fit, or are too few.
            UnknownEnvironmentError: No environment has that id.
            EnvironmentMismatchError: The environment does not fit the teacher.
        """
        if observations is not None:
            # A copy: what a file holds may not be written to, which torch asks for.
            given = np.array(observations)
            numbers = np.zeros(len(given), np.int64) if episode is None else np.array(episode)
            first = Visit(observations=given, actions=self.teacher.actions(given), episode=numbers)
        else:
            first = self._visit(self.teacher, self.states.observations, 0)
        self.visits = [first]
        self.scaling = InputScaling.of(first.observations)
        self.teaching = self._teaching()

    @property
    def round(self) -> int:
        """The round that is learned: 0 for the teacher's states alone."""
        return len(self.visits) - 1

    @property
    def epochs(self) -> int:
        """Epochs done in all rounds."""
        return self.round * self.imitation.epochs + self.teaching.epoch

    @property
    def finished(self) -> bool:
        """Whether all rounds are done."""
        return len(self.accuracies) > self.rounds

    def advance(self) -> None:
        """Learn for an epoch; after a round's last one go back to its best and visit more states.

        Raises:
            TrainingError: The loss is not finite.
        """
        self.teaching.run_epoch()
        if not self.teaching.finished:
            return
        self.teaching.restore_best()
        self.accuracies.append(max(self.teaching.accuracies))
        if not self.finished:
            pupil = as_teacher(self.network())
            self.visits.append(self._visit(pupil, self.states.round_observations, self.round + 1))
            self.teaching = self._teaching()

    def network(self) -> AnnModel | SpikingModel:
        """The pupil's network of this moment."""
        network = self.pupil.export(self.scaling)
        return replace(
            network, env_id=self.env_id, preprocessing=self.teacher.network.preprocessing
        )

    @property
    def observations(self) -> NDArray[Any]:
        """All states so far, round after round: (B, n)."""
        return np.concatenate([visit.observations for visit in self.visits])

    def _visit(self, player: Teacher, count: int, number: int) -> Visit:
        """States that ``player`` visits, and the teacher's actions there."""
        if self.env_id is None:
            raise OptionError("a teacher needs an environment to play, or observations")
        policy: Policy = player.actions
        played = play(
            policy,
            self.teacher.network,  # type: ignore[arg-type]  # its shapes are read, no more
            self.env_id,
            max_observations=count,
            epsilon=self.states.epsilon,
            seed=int(np.random.SeedSequence((self.seed, number)).generate_state(1)[0]),
        )
        return Visit(
            observations=played.observations,
            actions=self.teacher.actions(played.observations),
            episode=played.episode,
        )

    def _teaching(self) -> Teaching:
        """What the pupil is to learn in this round: all states so far."""
        share = self.imitation.validation_share
        lessons = Lessons.joined(
            [
                Lessons.share_out(visit.observations, visit.actions, share, visit.episode)
                for visit in self.visits
            ]
        )
        return Teaching(
            self.pupil,
            states=torch.from_numpy(self.scaling.apply(lessons.observations)),
            actions=torch.from_numpy(lessons.actions),
            n_training=lessons.n_training,
            options=self.imitation,
            generator=torch.Generator().manual_seed((self.seed + self.round) % 2**63),
        )

    def state(self) -> dict[str, Any]:
        """This moment: tensors, numbers, lists and mappings of them."""
        return {
            "visits": [
                {name: torch.from_numpy(array) for name, array in vars(visit).items()}
                for visit in self.visits
            ],
            "mean": torch.from_numpy(self.scaling.mean),
            "scale": torch.from_numpy(self.scaling.scale),
            "accuracies": list(self.accuracies),
            "teaching": self.teaching.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Come back to a moment of the same course."""
        self.visits = [
            Visit(**{name: tensor.numpy() for name, tensor in visit.items()})
            for visit in state["visits"]
        ]
        self.scaling = InputScaling(mean=state["mean"].numpy(), scale=state["scale"].numpy())
        self.accuracies = list(state["accuracies"])
        self.teaching = self._teaching()
        self.teaching.restore(state["teaching"])
