"""What every training method has in common: a frozen, checked description of a run."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal, Self

from dsqn_fast.errors import OptionError
from dsqn_fast.model.options import check_choice

REWARDS: Final = ("environment", "failure", "mountain-car")


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
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
            min(r + abs(x + 0.5), -0.1), as in the thesis "Deep Spiking Q Networks".
        observation_mean: Subtracted from observations, one per input; None for 0.
        observation_scale: Observations are divided by it, one per input; None for 1. Both are
            folded into the exported network's first layer.
        eval_every: Steps between two evaluations.
        eval_episodes: Episodes of each evaluation, the same ones each time.
        test_episodes: Fresh episodes that the best network is scored on at the end.
        checkpoint_every: Steps between two checkpoints from which a run can be resumed.
    """

    hidden: tuple[int, ...] = (64, 64)
    total_steps: int = 50_000
    learning_rate: float = 1e-3
    learning_rate_end: float = 0.02
    gamma: float = 0.99
    clip: float = 1.0
    reward: Literal["environment", "failure", "mountain-car"] = "environment"
    observation_mean: tuple[float, ...] | None = None
    observation_scale: tuple[float, ...] | None = None
    eval_every: int = 1_000
    eval_episodes: int = 20
    test_episodes: int = 100
    checkpoint_every: int = 5_000

    def __post_init__(self) -> None:
        check_choice("reward", self.reward, REWARDS)
        counts = ("total_steps", "eval_every", "eval_episodes", "test_episodes", "checkpoint_every")
        self._check_integers(*counts, lowest=1)
        self._check_reals("gamma", "learning_rate_end", lowest=0.0, highest=1.0)
        self._check_reals("learning_rate", "clip", lowest=1e-12, highest=1e12)
        for size in _as_tuple("hidden", self.hidden):
            check_integer("a hidden layer's size", size, 1)
        for name, lowest in (("observation_mean", -1e12), ("observation_scale", 1e-12)):
            values = getattr(self, name)
            for value in () if values is None else _as_tuple(name, values):
                check_real(f"a value of {name}", value, lowest, 1e12)

    def _check_integers(self, *names: str, lowest: int) -> None:
        for name in names:
            check_integer(name, getattr(self, name), lowest)

    def _check_reals(self, *names: str, lowest: float, highest: float) -> None:
        for name in names:
            check_real(name, getattr(self, name), lowest, highest)

    def _check_flags(self, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            if not isinstance(value, bool):
                raise OptionError(f"{name} must be true or false, not {value!r}")

    def rate_at(self, remaining: float) -> float:
        """Learning rate where a share ``remaining`` of the training is still to come."""
        return self.learning_rate * max(remaining, self.learning_rate_end)

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """A copy with some values given, as text such as ``{"gamma": "0.98"}`` or as they are.

        Raises:
            OptionError: A name does not exist (the nearest is named) or a value is out of range.
        """
        known = {field.name for field in fields(self)}
        values: dict[str, Any] = {}
        for name, value in changes.items():
            if name not in known:
                near = difflib.get_close_matches(str(name)[:64], known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else f"; known: {sorted(known)}"
                raise OptionError(f"there is no setting {str(name)[:64]!r}{hint}")
            values[name] = _parse(value)
        return replace(self, **values)

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON values."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


def _parse(value: Any) -> Any:
    """Text as JSON where it is JSON (numbers, true, lists), otherwise the word itself."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return None if value == "none" else value
    return tuple(value) if isinstance(value, list) else value


def _as_tuple(name: str, value: object) -> tuple[Any, ...]:
    if not isinstance(value, tuple):
        raise OptionError(f"{name} must be a list of numbers such as [16, 16], not {value!r}")
    return value


def check_integer(name: str, value: object, lowest: int) -> None:
    """Refuse what is not an integer from ``lowest`` to 2**40.

    Raises:
        OptionError: The message names the setting and both values.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value < 2**40:
        raise OptionError(f"{name} must be an integer from {lowest} to 2**40, not {value!r}")


def check_real(name: str, value: object, lowest: float, highest: float) -> None:
    """Refuse what is not a finite number from ``lowest`` to ``highest``.

    Raises:
        OptionError: The message names the setting and both values.
    """
    real = isinstance(value, int | float) and not isinstance(value, bool)
    if not real or not math.isfinite(value) or not lowest <= value <= highest:  # type: ignore[arg-type, operator]
        raise OptionError(f"{name} must be a number from {lowest} to {highest}, not {value!r}")
