"""Hyperparameters of the policy gradient methods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dsqn_fast.errors import OptionError
from dsqn_fast.model.options import check_choice
from dsqn_fast.training.settings import TrainingSettings


@dataclass(frozen=True, kw_only=True)
class ActorSettings(TrainingSettings):
    """What all of them have.

    Attributes:
        n_envs: Environments played side by side.
        entropy: Weight of the entropy of the actions in the objective.
    """

    total_steps: int = 100_000
    n_envs: int = 8
    entropy: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_integers("n_envs", lowest=1)
        self._check_reals("entropy", lowest=0.0, highest=1e6)


@dataclass(frozen=True, kw_only=True)
class ReinforceSettings(ActorSettings):
    """REINFORCE (Williams 1992): whole episodes, one gradient step for ``n_envs`` of them.

    Attributes:
        baseline: Subtracted from the return that follows a step: ``"none"``, or ``"step"``: the
            mean of the other episodes' at the same step (0 where they have ended), which leaves
            the expected gradient as it is and makes it far less noisy.
    """

    n_envs: int = 16
    baseline: Literal["none", "step"] = "step"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("baseline", self.baseline, ("none", "step"))
        check_choice("device of reinforce", self.device, ("auto", "cpu"))
        if self.baseline == "step" and self.n_envs < 2:
            raise OptionError(
                f"baseline 'step' compares at least 2 episodes, not n_envs = {self.n_envs}: use "
                "baseline 'none'"
            )


@dataclass(frozen=True, kw_only=True)
class CriticSettings(ActorSettings):
    """Methods with a critic of the same shape as the actor.

    Attributes:
        rollout_steps: Steps of each environment between two updates.
        gae_lambda: Of the generalised advantage estimate (Schulman 2016); 1 for plain returns.
        value_weight: Weight of the critic's error in the loss.
    """

    rollout_steps: int = 32
    gae_lambda: float = 0.95
    value_weight: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_integers("rollout_steps", lowest=1)
        self._check_reals("gae_lambda", lowest=0.0, highest=1.0)
        self._check_reals("value_weight", lowest=0.0, highest=1e6)


@dataclass(frozen=True, kw_only=True)
class A2cSettings(CriticSettings):
    """Advantage actor-critic (Mnih 2016), with Stable-Baselines3's RMSprop."""

    rollout_steps: int = 8
    gae_lambda: float = 1.0


@dataclass(frozen=True, kw_only=True)
class PpoSettings(CriticSettings):
    """Proximal policy optimisation (Schulman 2017).

    Attributes:
        batch_size: Steps of one gradient step.
        epochs: Times that each rollout is learned from.
        clip_range: How far the probability of an action may move in one update.
    """

    batch_size: int = 256
    epochs: int = 10
    clip_range: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_integers("epochs", lowest=1)
        self._check_integers("batch_size", lowest=2)
        self._check_reals("clip_range", lowest=1e-6, highest=1e6)
        if self.rollout_steps * self.n_envs % self.batch_size:
            raise OptionError(
                f"batch_size must divide the {self.rollout_steps * self.n_envs} steps of a "
                f"rollout (rollout_steps * n_envs), not be {self.batch_size}"
            )
