"""A ReLU classifier that learns any policy's actions from the states that are visited."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.conversion.gather import Policy, play
from dsqn_fast.errors import OptionError, UnsupportedError
from dsqn_fast.importers.extras import import_extra
from dsqn_fast.model import AnnModel, Dense
from dsqn_fast.model.layers import Shape
from dsqn_fast.model.options import check_n_steps
from dsqn_fast.run_options import check_seed

if TYPE_CHECKING:
    from dsqn_fast.training.imitation import ImitationOptions


class Teacher(Protocol):
    """A policy that is asked for outputs: an `AnnModel`, or a teacher from `load_teacher`."""

    @property
    def input_shape(self) -> Shape:
        """Shape of an observation."""

    @property
    def channels_first(self) -> bool:
        """Whether images arrive as (channels, height, width)."""

    @property
    def n_outputs(self) -> int:
        """Number of actions."""

    @property
    def env_id(self) -> str | None:
        """Environment, where known."""

    @property
    def preprocessing(self) -> Mapping[str, Any] | None:
        """Preprocessing of the observations, where there is one."""

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Where it came from."""

    def forward(self, observations: NDArray[Any]) -> NDArray[np.floating]:
        """Outputs (B, n_outputs); the largest is the action."""


@dataclass(frozen=True, kw_only=True)
class DistillOptions:
    """Which states a classifier learns from.

    Attributes:
        observations: States that the teacher visits.
        epsilon: Share of random actions while states are visited.
        rounds: Rounds of DAgger (Ross 2011) after that: the classifier plays, the teacher says
            what it would have done, and the classifier learns from all states so far.
        round_observations: States of each such round.
        n_steps: Learn with activations rounded to so many levels, for conversion to so many
            time steps; None for plain ReLU.
    """

    observations: int = 20_000
    epsilon: float = 0.1
    rounds: int = 2
    round_observations: int = 10_000
    n_steps: int | None = None

    def __post_init__(self) -> None:
        check_n_steps(self.observations, "observations")
        check_n_steps(self.round_observations, "round_observations")
        if isinstance(self.rounds, bool) or not 0 <= self.rounds <= 100:
            raise OptionError(f"rounds must be from 0 to 100, not {self.rounds!r}")
        if not 0.0 <= self.epsilon <= 1.0:
            raise OptionError(f"epsilon must be from 0 to 1, not {self.epsilon!r}")
        if self.n_steps is not None:
            check_n_steps(self.n_steps)


@dataclass(frozen=True, kw_only=True, eq=False)
class Distillation:
    """A classifier and how well it knows its teacher.

    Attributes:
        ann: The classifier; its provenance says how it was made.
        accuracy: Share of states of episodes kept apart with the teacher's action.
        rounds: The same after the first lessons and after every round of DAgger.
        states: States that it learned from, the validation's included.
    """

    ann: AnnModel
    accuracy: float
    rounds: tuple[float, ...]
    states: int

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON values, without the network."""
        return {"accuracy": self.accuracy, "rounds": list(self.rounds), "states": self.states}


def distill(
    teacher: Teacher,
    observations: NDArray[Any] | None = None,
    *,
    env_id: str | None = None,
    hidden: tuple[int, ...] = (64, 64),
    seed: int = 0,
    options: DistillOptions | None = None,
    imitation: ImitationOptions | None = None,
) -> Distillation:
    """Teach a ReLU classifier the actions of any policy.

    Args:
        teacher: The policy.
        observations: (B, n) states that it visits, episode after episode; None lets it play.
        env_id: Environment; None for the teacher's own. Without one there are no rounds.
        hidden: Neurons of the classifier's hidden layers.
        seed: Seed of weights, episodes, random actions and the order of the states.
        options: Which states; None for the defaults.
        imitation: How it learns; None for the defaults.

    Raises:
        MissingExtraError: torch is not installed.
        UnsupportedError: Observations are images.
        OptionError: There are neither observations nor an environment, or sizes are wrong.
        ObservationError: There are too few states.
        TrainingError: The loss is not finite.
    """
    import_extra("torch", extra="train", needed_for="distillation")
    from dsqn_fast.training.imitation import ImitationOptions

    if len(teacher.input_shape) != 1:
        raise UnsupportedError(
            f"a classifier of images is not built yet, but the teacher sees {teacher.input_shape}: "
            "convert a network with ReLU instead"
        )
    for size in hidden:
        check_n_steps(size, "a hidden layer's size")
    env_id = env_id or teacher.env_id
    if env_id is None and observations is None:
        raise OptionError("a teacher needs an environment to play, or observations")
    lesson = _Course(
        teacher=teacher,
        env_id=env_id,
        seed=check_seed(seed),
        options=options or DistillOptions(),
        imitation=imitation or ImitationOptions(),
        student=_new_student(teacher, hidden, env_id, seed),
    )
    return lesson.run(observations)


@dataclass(kw_only=True, eq=False)
class _Course:
    """One distillation under way."""

    teacher: Teacher
    env_id: str | None
    seed: int
    options: DistillOptions
    imitation: ImitationOptions
    student: AnnModel
    episodes: list[tuple[NDArray[Any], NDArray[np.int64]]] = field(default_factory=list)

    def run(self, observations: NDArray[Any] | None) -> Distillation:
        if observations is None:
            self._visit(_greedy(self.teacher), self.options.observations, 0)
        else:
            self.episodes = [(observations, np.zeros(len(observations), np.int64))]
        accuracies = [self._learn(0)]
        for number in range(1, self.options.rounds + 1 if self.env_id else 1):
            self._visit(_greedy(self.student), self.options.round_observations, number)
            accuracies.append(self._learn(number))
        states = sum(len(part) for part, _ in self.episodes)
        note = {
            "method": "distill", "seed": self.seed, "accuracy": accuracies[-1], "states": states,
            "options": asdict(self.options), "imitation": asdict(self.imitation),
            "teacher": dict(self.teacher.provenance),
        }  # fmt: skip
        return Distillation(
            ann=replace(self.student, provenance={"distilled": note}),
            accuracy=accuracies[-1],
            rounds=tuple(accuracies),
            states=states,
        )

    def _visit(self, policy: Policy, count: int, number: int) -> None:
        """Add the states that ``policy`` visits."""
        assert self.env_id is not None
        played = play(
            policy,
            self.student,
            self.env_id,
            max_observations=count,
            epsilon=self.options.epsilon,
            seed=int(np.random.SeedSequence((self.seed, number)).generate_state(1)[0]),
        )
        self.episodes.append((played.observations, played.episode))

    def _learn(self, number: int) -> float:
        """Teach the student all states so far; returns its accuracy on those kept apart."""
        from dsqn_fast.training.imitation import Lessons, imitate

        training, validation = [], []
        for observations, episode in self.episodes:
            actions = self.teacher.forward(observations).argmax(axis=1)
            share = self.imitation.validation_share
            part = Lessons.share_out(observations, actions, share, episode)
            training.append((observations[: part.n_training], actions[: part.n_training]))
            validation.append((observations[part.n_training :], actions[part.n_training :]))
        both = training + validation
        lessons = Lessons(
            observations=np.concatenate([one for one, _ in both]),
            actions=np.concatenate([one for _, one in both]),
            n_training=sum(len(one) for one, _ in training),
        )
        result = imitate(
            self.student,
            lessons,
            options=self.imitation,
            levels=self.options.n_steps,
            seed=self.seed + number,
        )
        self.student = result.ann
        return result.accuracy


def _greedy(network: Teacher) -> Policy:
    return lambda observations: network.forward(observations).argmax(axis=1)


def _new_student(
    teacher: Teacher, hidden: tuple[int, ...], env_id: str | None, seed: int
) -> AnnModel:
    """A network with random weights (He 2015) and no biases yet."""
    rng = np.random.default_rng(seed)
    sizes = (teacher.input_shape[0], *hidden, teacher.n_outputs)
    layers = tuple(
        Dense(
            weight=(rng.normal(size=(n_in, n_out)) * np.sqrt(2 / max(n_in, 1))).astype(np.float32),
            bias=np.zeros(n_out, np.float32),
        )
        for n_in, n_out in itertools.pairwise(sizes)
    )
    return AnnModel(
        layers=layers,
        input_shape=teacher.input_shape,
        env_id=env_id,
        preprocessing=teacher.preprocessing,
    )
