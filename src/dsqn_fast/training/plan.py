"""What a training run is to do: settled, checked and named before it starts."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from dsqn_fast.errors import OptionError
from dsqn_fast.model.options import check_n_steps
from dsqn_fast.run_options import check_seed
from dsqn_fast.training.dqn_settings import DqnSettings
from dsqn_fast.training.presets import dqn_preset

DEFAULT_N_STEPS: Final = 32
"""Time steps that a trained network is converted for."""


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """A training run that could be started.

    Attributes:
        method: ``"dqn"``.
        env_id: Environment to learn.
        seed: Seed of everything random, 0 <= seed < 2**32.
        settings: Hyperparameters.
        n_steps: Time steps T that the best network is converted for; None for no conversion.
        command: Command that does the same.
    """

    method: str
    env_id: str
    seed: int
    settings: DqnSettings
    n_steps: int | None
    command: str

    @property
    def seeds(self) -> dict[str, int]:
        """Seeds of the training, of its evaluations and of the test: no episode is shared."""
        evaluation, test = np.random.SeedSequence(self.seed).generate_state(2)
        return {"training": self.seed, "evaluation": int(evaluation), "test": int(test)}

    @property
    def name(self) -> str:
        """A name for the run's folder."""
        return f"{self.method}-{self.env_id}-seed{self.seed}".replace("/", "-").replace(":", "-")

    def config(self) -> dict[str, Any]:
        """The plan as JSON values; two runs with equal ones repeat each other."""
        return {
            "method": self.method,
            "env_id": self.env_id,
            "command": self.command,
            "seeds": self.seeds,
            "n_steps": self.n_steps,
            "settings": self.settings.to_dict(),
        }


def plan_dqn(
    env_id: str, *, seed: int, preset: str, changes: Mapping[str, str], n_steps: int | None
) -> TrainingPlan:
    """The plan of a deep Q-learning run; arguments and errors are those of `train_dqn`."""
    # Stable-Baselines3 seeds NumPy's old generator, which takes 32 bits.
    if check_seed(seed) >= 2**32:
        raise OptionError(f"a training seed must be below 2**32, not {seed}")
    return TrainingPlan(
        method="dqn",
        env_id=env_id,
        seed=int(seed),
        settings=dqn_preset(preset, env_id).changed(changes),
        n_steps=None if n_steps is None else check_n_steps(n_steps),
        command=_command(env_id, seed, preset, changes, n_steps),
    )


def _command(
    env_id: str, seed: int, preset: str, changes: Mapping[str, str], n_steps: int | None
) -> str:
    words = ["dsqn-fast", "train", "dqn", "--env", env_id, "--seed", str(seed)]
    words += ["--preset", preset] if preset != "default" else []
    for name, value in changes.items():
        words += ["--set", f"{name}={value}"]
    if n_steps != DEFAULT_N_STEPS:
        words += ["--no-convert"] if n_steps is None else ["--n-steps", str(n_steps)]
    return shlex.join(words)
