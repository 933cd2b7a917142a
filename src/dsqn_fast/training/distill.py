"""A ReLU classifier that learns any policy's actions from the states that are visited."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from dsqn_fast.conversion.detail import GIVE_EITHER
from dsqn_fast.errors import OptionError, UnsupportedError
from dsqn_fast.importers.extras import import_extra
from dsqn_fast.model import AnnModel
from dsqn_fast.model.options import check_n_steps
from dsqn_fast.run_options import check_seed
from dsqn_fast.training.state_options import StateOptions

if TYPE_CHECKING:
    from dsqn_fast.training.lessons import ImitationOptions
    from dsqn_fast.training.teachers import Forward


@dataclass(frozen=True, kw_only=True)
class DistillOptions(StateOptions):
    """Which states a classifier learns from, and for which T.

    Attributes:
        n_steps: Learn with activations rounded to so many levels, for conversion to so many
            time steps; None for plain ReLU.
    """

    n_steps: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
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
    teacher: Forward,
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
        teacher: The policy: an `AnnModel`, or a teacher from `load_teacher`.
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
    from dsqn_fast.training.course import Course
    from dsqn_fast.training.lessons import ImitationOptions
    from dsqn_fast.training.relu_pupil import ReluPupil, new_network
    from dsqn_fast.training.teachers import as_teacher
    from dsqn_fast.training.torch_threads import one_thread

    check_vector_observations(teacher)
    for size in hidden:
        check_n_steps(size, "a hidden layer's size")
    env_id = env_id or teacher.env_id
    if env_id is None and observations is None:
        raise OptionError(f"a teacher needs an environment to play, or observations: {GIVE_EITHER}")
    options, imitation = options or DistillOptions(), imitation or ImitationOptions()
    sizes = (teacher.input_shape[0], *hidden, teacher.n_outputs)
    course = Course(
        as_teacher(teacher),
        ReluPupil(new_network(sizes, seed=check_seed(seed)), levels=options.n_steps),
        env_id=env_id,
        states=options,
        imitation=imitation,
        seed=seed,
    )
    with one_thread():
        course.begin(observations)
        while not course.finished:
            course.advance()
    ann, states = course.network(), len(course.observations)
    assert isinstance(ann, AnnModel)
    note = {
        "method": "distill", "seed": seed, "accuracy": course.accuracies[-1], "states": states,
        "options": asdict(options), "imitation": asdict(imitation),
        "teacher": dict(teacher.provenance),
    }  # fmt: skip
    return Distillation(
        ann=replace(ann, provenance={"distilled": note}),
        accuracy=course.accuracies[-1],
        rounds=tuple(course.accuracies),
        states=states,
    )


def check_vector_observations(teacher: Any) -> None:
    """Refuse a teacher of images.

    Raises:
        UnsupportedError: It sees images.
    """
    if len(teacher.input_shape) != 1:
        raise UnsupportedError(
            f"a classifier of images is not built yet, but the teacher sees {teacher.input_shape}: "
            "convert a network with ReLU instead"
        )
