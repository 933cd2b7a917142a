"""Hyperparameters of deep Q-learning: one frozen, checked description of a training run."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal

from dsqn_fast.errors import OptionError
from dsqn_fast.model.options import check_choice

LOSSES: Final = ("squared", "huber")
CLIPPINGS: Final = ("norm", "value")
REWARDS: Final = ("environment", "failure", "mountain-car")

_AT_LEAST_ONE: Final = (
    "total_steps", "buffer_size", "batch_size", "train_every", "gradient_steps", "n_step",
    "target_every", "eval_every", "eval_episodes", "test_episodes", "checkpoint_every",
)  # fmt: skip
_SHARES: Final = ("gamma", "tau", "epsilon_start", "epsilon_end", "epsilon_fraction")
_POSITIVE: Final = ("learning_rate", "clip")


@dataclass(frozen=True, kw_only=True)
class DqnSettings:
    """How a Q network is trained; every step counted is one of the environment.

    Attributes:
        hidden: Neurons of the hidden ReLU layers.
        total_steps: Steps of the whole training.
        learning_rate: Of Adam, at the start.
        learning_rate_end: Share of it that is left at the end, falling on a straight line.
        gamma: Discount per step.
        buffer_size: Transitions that the replay memory holds.
        batch_size: Transitions of one gradient step.
        learning_starts: Random steps before the first gradient step.
        train_every: Steps between two visits to the replay memory.
        gradient_steps: Gradient steps of each visit.
        n_step: Rewards that are summed before the target network is asked (1: one-step).
        target_every: Target network updates: after so many steps, or episodes, see next.
        target_unit: ``"steps"`` or ``"episodes"``.
        tau: Share of the online network taken over at each target update (1: a copy).
        double_q: The online network chooses the next action, the target network values it.
        loss: ``"squared"`` or ``"huber"`` error of the Q-values.
        clipping: ``"norm"`` scales the whole gradient, ``"value"`` cuts every entry.
        clip: Largest norm, or largest absolute value of an entry.
        epsilon_start: Share of random actions at the start.
        epsilon_end: Smallest share of random actions.
        epsilon_fraction: Share of the training over which it falls, on a straight line.
        epsilon_decay: Instead of the line: factor on it per step; None for the line.
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
    buffer_size: int = 50_000
    batch_size: int = 128
    learning_starts: int = 1_000
    train_every: int = 2
    gradient_steps: int = 1
    n_step: int = 1
    target_every: int = 1
    target_unit: Literal["steps", "episodes"] = "steps"
    tau: float = 0.005
    double_q: bool = True
    loss: Literal["squared", "huber"] = "squared"
    clipping: Literal["norm", "value"] = "norm"
    clip: float = 10.0
    epsilon_start: float = 1.0
    epsilon_end: float = 0.05
    epsilon_fraction: float = 0.2
    epsilon_decay: float | None = None
    reward: Literal["environment", "failure", "mountain-car"] = "environment"
    observation_mean: tuple[float, ...] | None = None
    observation_scale: tuple[float, ...] | None = None
    eval_every: int = 1_000
    eval_episodes: int = 20
    test_episodes: int = 100
    checkpoint_every: int = 5_000

    def __post_init__(self) -> None:
        check_choice("loss", self.loss, LOSSES)
        check_choice("clipping", self.clipping, CLIPPINGS)
        check_choice("target_unit", self.target_unit, ("steps", "episodes"))
        check_choice("reward", self.reward, REWARDS)
        for name in _AT_LEAST_ONE:
            _check_integer(name, getattr(self, name), 1)
        _check_integer("learning_starts", self.learning_starts, 0)
        for name in (*_SHARES, "learning_rate_end"):
            _check_real(name, getattr(self, name), 0.0, 1.0)
        for name in _POSITIVE:
            _check_real(name, getattr(self, name), 1e-12, 1e12)
        if self.epsilon_decay is not None:
            _check_real("epsilon_decay", self.epsilon_decay, 0.0, 1.0)
        if not isinstance(self.double_q, bool):
            raise OptionError(f"double_q must be true or false, not {self.double_q!r}")
        self._check_tuples()

    def _check_tuples(self) -> None:
        for size in _as_tuple("hidden", self.hidden):
            _check_integer("a hidden layer's size", size, 1)
        for name, lowest in (("observation_mean", -1e12), ("observation_scale", 1e-12)):
            values = getattr(self, name)
            for value in () if values is None else _as_tuple(name, values):
                _check_real(f"a value of {name}", value, lowest, 1e12)

    def changed(self, changes: Mapping[str, str]) -> DqnSettings:
        """A copy with some values given as text, such as ``{"gamma": "0.98"}``.

        Raises:
            OptionError: A name does not exist (the nearest is named) or a value is out of range.
        """
        known = {field.name for field in fields(self)}
        values: dict[str, Any] = {}
        for name, text in changes.items():
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else f"; known: {sorted(known)}"
                raise OptionError(f"there is no setting {name!r}{hint}")
            values[name] = _parse(text)
        return replace(self, **values)

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON values."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


def _parse(text: str) -> Any:
    """JSON where it is JSON (numbers, true, lists), otherwise the word itself."""
    try:
        value = json.loads(text)
    except ValueError:
        return None if text == "none" else text
    return tuple(value) if isinstance(value, list) else value


def _as_tuple(name: str, value: object) -> tuple[Any, ...]:
    if not isinstance(value, tuple):
        raise OptionError(f"{name} must be a list of numbers such as [16, 16], not {value!r}")
    return value


def _check_integer(name: str, value: object, lowest: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value < 2**40:
        raise OptionError(f"{name} must be an integer from {lowest} to 2**40, not {value!r}")


def _check_real(name: str, value: object, lowest: float, highest: float) -> None:
    real = isinstance(value, int | float) and not isinstance(value, bool)
    if not real or not math.isfinite(value) or not lowest <= value <= highest:  # type: ignore[arg-type, operator]
        raise OptionError(f"{name} must be a number from {lowest} to {highest}, not {value!r}")
