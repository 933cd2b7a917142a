"""What a training run is to do: settled, checked and named before it starts."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np

from dsqn_fast.errors import OptionError
from dsqn_fast.model.options import check_n_steps
from dsqn_fast.run_options import check_seed
from dsqn_fast.training.classifier_settings import SpikingClassifierSettings
from dsqn_fast.training.dqn_settings import DqnSettings, DsqnSettings
from dsqn_fast.training.presets import AnySettings, preset_settings

DEFAULT_N_STEPS: Final = 32
"""Time steps that a trained network is converted for."""
NSteps = int | Literal["default"] | None
"""Time steps T; None for no conversion."""


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """A training run that could be started.

    Attributes:
        method: How, for example ``"dqn"``.
        env_id: Environment to learn.
        seed: Seed of everything random, 0 <= seed < 2**32.
        settings: Hyperparameters.
        n_steps: Time steps T that the best network is converted for; None for no conversion.
        command: Command that does the same.
    """

    method: str
    env_id: str
    seed: int
    settings: AnySettings
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


def make_plan(
    method: str,
    env_id: str,
    *,
    seed: int,
    preset: str,
    changes: Mapping[str, Any],
    n_steps: NSteps,
) -> TrainingPlan:
    """The plan of a run; arguments and errors are those of `train_policy`."""
    # Stable-Baselines3 seeds NumPy's old generator, which takes 32 bits.
    if check_seed(seed) >= 2**32:
        raise OptionError(f"a training seed must be below 2**32, not {seed}")
    settings = preset_settings(method, preset, env_id).changed(changes)
    _check_double_q(method, settings)
    if isinstance(settings, DsqnSettings | SpikingClassifierSettings):
        settings, converted = _with_n_steps(settings, changes, n_steps), None
    else:
        converted = DEFAULT_N_STEPS if n_steps == "default" else n_steps
    return TrainingPlan(
        method=method,
        env_id=env_id,
        seed=int(seed),
        settings=settings,
        n_steps=None if converted is None else check_n_steps(converted),
        command=_command(method, env_id, seed, preset, changes, n_steps),
    )


def _with_n_steps(
    settings: DsqnSettings | SpikingClassifierSettings,
    changes: Mapping[str, Any],
    n_steps: NSteps,
) -> AnySettings:
    """Settings of a spiking network, which has its T before it learns."""
    if n_steps is None or n_steps == "default":
        return settings
    if "n_steps" in changes:
        raise OptionError(f"n_steps is given twice, as {n_steps} and {changes['n_steps']}")
    return replace(settings, n_steps=check_n_steps(n_steps))


def _check_double_q(method: str, settings: AnySettings) -> None:
    """``dqn`` is without double Q and ``double-dqn`` with it; ``dsqn`` may be either."""
    if method not in ("dqn", "double-dqn"):
        return
    assert isinstance(settings, DqnSettings)
    if settings.double_q != (method == "double-dqn"):
        other = "double-dqn" if settings.double_q else "dqn"
        found = str(settings.double_q).lower()
        raise OptionError(f"{method} does not have double_q = {found}: use the method {other!r}")


def _command(
    method: str,
    env_id: str,
    seed: int,
    preset: str,
    changes: Mapping[str, Any],
    n_steps: NSteps,
) -> str:
    words = ["dsqn-fast", "train", method, "--env", env_id, "--seed", str(seed)]
    words += ["--preset", preset] if preset != "default" else []
    for name, value in changes.items():
        text = value if isinstance(value, str) else json.dumps(value)
        words += ["--set", f"{name}={text}"]
    if n_steps != "default":
        words += ["--no-convert"] if n_steps is None else ["--n-steps", str(n_steps)]
    return shlex.join(words)
