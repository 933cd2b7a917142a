"""Hyperparameters of teaching a dense network what a convolutional one does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from dsqn_fast.errors import OptionError
from dsqn_fast.frame_views import VIEWS
from dsqn_fast.model.options import check_choice
from dsqn_fast.training.bfloat16 import has_fast_bfloat16
from dsqn_fast.training.settings import TrainingSettings


@dataclass(frozen=True, kw_only=True)
class ViewImitationSettings(TrainingSettings):
    """How a pupil is taught.

    Attributes:
        teacher: Policy file, or another source network, that plays the game.
        view: What the pupil sees, see `dsqn_fast.frame_views.VIEWS`.
        hidden: Neurons of the pupil's dense hidden layers.
        total_steps: Decisions that are played, in all rounds together.
        rounds: The teacher plays the first round, the pupil most of the others; the pupil learns
            from all rounds so far after each of them (DAgger, Ross et al. 2011).
        teacher_share: Probability that the teacher plays a game for a round, after the first: so
            the pupil also comes where only the teacher gets.
        epochs: How often the pupil goes over all decisions each time.
        memory: Most decisions that are kept to learn from; later ones replace the oldest.
        minibatch: Decisions of one gradient step.
        n_envs: Games side by side.
        epsilon: Share of random actions while playing.
        min_deviation: Pixels are scaled to a deviation of 1 over the first round's states; those
            with a smaller one than this as if they had it, above 0. The export has no scaling.
        weight_decay: Share of the weights, times the learning rate, that each gradient step
            takes away.
        sharpness: Factor on the teacher's outputs before their softmax, which is imitated.
        eval_every: Decisions between two evaluations of the pupil; the best one is kept.
        test_epsilon: Share of random actions in evaluations and in the test at the end.
        bfloat16: Compute the teacher's outputs and the pupil's gradients with it; by default
            where the CPU has instructions for it.
    """

    teacher: str = ""
    view: str = "patel"
    hidden: tuple[int, ...] = (1000,)
    total_steps: int = 660_000
    learning_rate: float = 1e-3
    learning_rate_end: float = 0.05
    rounds: int = 30
    teacher_share: float = 0.25
    epochs: int = 1
    memory: int = 1_000_000
    minibatch: int = 1024
    n_envs: int = 32
    epsilon: float = 0.05
    min_deviation: float = 0.15
    weight_decay: float = 0.1
    sharpness: float = 1.0
    eval_every: int = 150_000
    eval_episodes: int = 30
    test_episodes: int = 30
    test_epsilon: float = 0.05
    bfloat16: bool = field(default_factory=has_fast_bfloat16)
    device: Literal["auto", "cpu", "cuda"] = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.teacher, str) or not self.teacher:
            raise OptionError(
                f"teacher must be the path of a policy, not {self.teacher!r}: add --set "
                "teacher=FILE"
            )
        check_choice("view", self.view, tuple(VIEWS))
        self._check_integers("rounds", "epochs", "memory", "minibatch", "n_envs", lowest=1)
        shares = ("epsilon", "test_epsilon", "teacher_share")
        self._check_reals(*shares, lowest=0.0, highest=1.0)
        self._check_flags("bfloat16")
        self._check_reals("sharpness", "min_deviation", lowest=1e-6, highest=1e6)
        self._check_reals("weight_decay", lowest=0.0, highest=1.0)

    @property
    def decisions_per_round(self) -> int:
        """Decisions of every game in one round."""
        return max(1, self.total_steps // (self.rounds * self.n_envs))

    @property
    def decisions(self) -> int:
        """Decisions that are really played."""
        return self.decisions_per_round * self.rounds * self.n_envs
