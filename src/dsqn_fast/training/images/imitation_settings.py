"""Hyperparameters of teaching a dense network what a convolutional one does."""

from __future__ import annotations

from dataclasses import dataclass

from dsqn_fast.errors import OptionError
from dsqn_fast.frame_views import VIEWS
from dsqn_fast.model.options import check_choice
from dsqn_fast.training.settings import TrainingSettings


@dataclass(frozen=True, kw_only=True)
class ViewImitationSettings(TrainingSettings):
    """How a pupil is taught.

    Attributes:
        teacher: Policy file, or another source network, that plays the game.
        view: What the pupil sees, see `dsqn_fast.frame_views.VIEWS`.
        hidden: Neurons of the pupil's dense hidden layers.
        total_steps: Decisions that are played, in all rounds together.
        rounds: The teacher plays the first round, the pupil the others; the pupil learns from
            all rounds so far after each of them (DAgger, Ross et al. 2011).
        epochs: How often it goes over them each time.
        minibatch: Decisions of one gradient step.
        n_envs: Games side by side.
        epsilon: Share of random actions while playing.
        sharpness: Factor on the teacher's outputs before their softmax, which is imitated.
        test_epsilon: Share of random actions in the test at the end.
    """

    teacher: str = ""
    view: str = "patel"
    hidden: tuple[int, ...] = (1000,)
    total_steps: int = 120_000
    learning_rate: float = 5e-4
    learning_rate_end: float = 0.05
    rounds: int = 6
    epochs: int = 3
    minibatch: int = 256
    n_envs: int = 16
    epsilon: float = 0.05
    sharpness: float = 1.0
    test_episodes: int = 30
    test_epsilon: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.teacher, str) or not self.teacher:
            raise OptionError(
                f"teacher must be the path of a policy, not {self.teacher!r}: add --set "
                "teacher=FILE"
            )
        check_choice("view", self.view, tuple(VIEWS))
        self._check_integers("rounds", "epochs", "minibatch", "n_envs", lowest=1)
        self._check_reals("epsilon", "test_epsilon", lowest=0.0, highest=1.0)
        self._check_reals("sharpness", lowest=1e-6, highest=1e6)

    @property
    def decisions_per_round(self) -> int:
        """Decisions of every game in one round."""
        return max(1, self.total_steps // (self.rounds * self.n_envs))
