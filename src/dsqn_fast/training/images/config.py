"""A run as JSON values, its command and its name."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from dsqn_fast.errors import OptionError
from dsqn_fast.model.options import check_n_steps
from dsqn_fast.run_options import check_seed
from dsqn_fast.training.plan import DEFAULT_N_STEPS
from dsqn_fast.training.settings import TrainingSettings


def run_name(method: str, env_id: str, seed: int) -> str:
    """A name for the run's folder."""
    return f"{method}-{env_id}-seed{seed}".replace("/", "-").replace(":", "-")


def run_config(
    method: str,
    env_id: str,
    seed: int,
    settings: TrainingSettings,
    changes: Mapping[str, Any],
    n_steps: int | None,
) -> dict[str, Any]:
    """The run as JSON values; two runs with equal ones repeat each other.

    Raises:
        OptionError: ``seed`` or ``n_steps`` is out of range.
    """
    if check_seed(seed) >= 2**32:
        raise OptionError(f"a training seed must be below 2**32, not {seed}")
    n_steps = None if n_steps is None else check_n_steps(n_steps)
    words = ["dsqn-fast", "train", method, "--env", env_id, "--seed", str(seed)]
    for name, value in changes.items():
        text = value if isinstance(value, str) else json.dumps(value)
        words += ["--set", f"{name}={text}"]
    if n_steps != DEFAULT_N_STEPS:
        words += ["--no-convert"] if n_steps is None else ["--n-steps", str(n_steps)]
    return {
        "method": method,
        "env_id": env_id,
        "command": shlex.join(words),
        "seed": int(seed),
        "n_steps": n_steps,
        "settings": settings.to_dict(),
    }
