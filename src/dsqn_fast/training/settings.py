"""What every training method has in common: a frozen, checked description of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from dsqn_fast.model.options import check_choice
from dsqn_fast.training.checked_settings import (
    CheckedSettings,
    as_tuple,
    check_integer,
    check_real,
)
from dsqn_fast.training.devices import check_device

REWARDS: Final = ("environment", "failure", "mountain-car", "mountain-car-energy")


@dataclass(frozen=True, kw_only=True)
class TrainingSettings(CheckedSettings):
    """Hyperparameters of any method; every step counted is one of the environment.

    Attributes:
        hidden: Neurons of the hidden layers.
        total_steps: Steps of the whole training.
        learning_rate: Of the optimiser, at the start.
        learning_rate_end: Share of it that is left at the end, falling on a straight line.
        gamma: Discount per step.
        clip: Largest norm of the gradient.
        reward: What the network learns from (it is always evaluated on the environment's own):
            ``"environment"``; ``"failure"``: 0 each step and -1 where the episode ends by
            itself, which orders policies as a reward of 1 per step does; ``"mountain-car"``:
            min(r + abs(x + 0.5), -0.1), as in the thesis "Deep Spiking Q Networks";
            ``"mountain-car-energy"``: see `MountainCarEnergyReward`.
        observation_mean: Subtracted from observations, one per input; None for 0.
        observation_scale: Observations are divided by it, one per input; None for 1. Both are
            folded into the exported network's first layer.
        eval_every: Steps between two evaluations.
        eval_episodes: Episodes of each evaluation, the same ones each time.
        test_episodes: Fresh episodes that the best network is scored on at the end.
        checkpoint_every: Steps between two checkpoints from which a run can be resumed.
        device: Where torch learns, see `dsqn_fast.training.devices`. Networks of a few neurons
            learn faster on a CPU.
    """

    hidden: tuple[int, ...] = (64, 64)
    total_steps: int = 50_000
    learning_rate: float = 1e-3
    learning_rate_end: float = 0.02
    gamma: float = 0.99
    clip: float = 1.0
    reward: Literal["environment", "failure", "mountain-car", "mountain-car-energy"] = "environment"
    observation_mean: tuple[float, ...] | None = None
    observation_scale: tuple[float, ...] | None = None
    eval_every: int = 1_000
    eval_episodes: int = 20
    test_episodes: int = 100
    checkpoint_every: int = 5_000
    device: Literal["auto", "cpu", "cuda"] = "cpu"

    def __post_init__(self) -> None:
        check_choice("reward", self.reward, REWARDS)
        check_device(self.device)
        counts = ("total_steps", "eval_every", "eval_episodes", "test_episodes", "checkpoint_every")
        self._check_integers(*counts, lowest=1)
        self._check_reals("gamma", "learning_rate_end", lowest=0.0, highest=1.0)
        self._check_reals("learning_rate", "clip", lowest=1e-12, highest=1e12)
        for size in as_tuple("hidden", self.hidden):
            check_integer("a hidden layer's size", size, 1)
        for name, lowest in (("observation_mean", -1e12), ("observation_scale", 1e-12)):
            values = getattr(self, name)
            for value in () if values is None else as_tuple(name, values):
                check_real(f"a value of {name}", value, lowest, 1e12)

    def rate_at(self, remaining: float) -> float:
        """Learning rate where a share ``remaining`` of the training is still to come."""
        return self.learning_rate * max(remaining, self.learning_rate_end)
