"""The words that a spiking model is described with, and the options of its neurons."""

from __future__ import annotations

import difflib
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np

from dsqn_fast.errors import ModelError, OptionError
from dsqn_fast.model.checks import check_integer, check_real, shown

Reset = Literal["subtraction", "zero"]
SpikeMode = Literal["binary", "burst", "signed"]
Timing = Literal["instant", "nest", "spytorch"]
Encoding = Literal["constant", "poisson", "equidistant"]
Decoding = Literal["potential", "count", "count+potential", "first-spike"]
Precision = Literal["float32", "float64", "fixed"]
WeightsDtype = Literal["float16", "float32", "int8"]

RESETS: Final[tuple[Reset, ...]] = get_args(Reset)
SPIKE_MODES: Final[tuple[SpikeMode, ...]] = get_args(SpikeMode)
TIMINGS: Final[tuple[Timing, ...]] = get_args(Timing)
ENCODINGS: Final[tuple[Encoding, ...]] = get_args(Encoding)
DECODINGS: Final[tuple[Decoding, ...]] = get_args(Decoding)
PRECISIONS: Final[tuple[Precision, ...]] = get_args(Precision)
WEIGHTS_DTYPES: Final[tuple[WeightsDtype, ...]] = get_args(WeightsDtype)

MAX_STEPS: Final = 2**24
"""Largest n_steps: above it float32 can no longer count single steps."""
MAX_BURST: Final = 127
"""Largest burst limit: spikes of one step are kept in a signed byte."""


def check_choice(name: str, value: object, choices: Sequence[str]) -> str:
    """Return ``value`` if it is one of ``choices``.

    Args:
        name: What the value is called where the user gave it.
        value: The value given.
        choices: The possible values.

    Raises:
        OptionError: It is none of them; the message names the nearest one.
    """
    if isinstance(value, str) and value in choices:
        return value
    near = difflib.get_close_matches(value[:64], choices, n=1) if isinstance(value, str) else []
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise OptionError(f"{name} must be one of {', '.join(choices)}, not {shown(value)}{hint}")


def check_n_steps(n_steps: object, name: str = "n_steps") -> int:
    """Return ``n_steps`` as an int between 1 and ``MAX_STEPS``.

    Raises:
        OptionError: It is not an integer or lies outside that range.
    """
    wanted = f"{name} must be an integer from 1 to {MAX_STEPS}, not"
    try:
        if isinstance(n_steps, bool | np.bool_):
            raise TypeError
        value = operator.index(n_steps)  # type: ignore[arg-type]
    except TypeError:
        raise OptionError(f"{wanted} {shown(n_steps)}") from None
    if not 1 <= value <= MAX_STEPS:
        raise OptionError(f"{wanted} {shown(value)}")
    return value


def steps_run(timing: str, n_steps: int) -> int:
    """Time steps that are simulated of T: all, but T - 1 with timing ``spytorch``."""
    return n_steps - 1 if timing == "spytorch" else n_steps


def may_burst(timing: str, reset: str) -> bool:
    """Whether neurons may emit several spikes in one step, or take one back."""
    return timing != "spytorch" and reset == "subtraction"


@dataclass(frozen=True, kw_only=True)
class Neuron:
    """The neuron model that all layers of a network share.

    Per time step t, with input current I (semantics: `dsqn_fast.reference`)::

        c[t] = alpha * c[t-1] + I[t]         alpha = 0: delta synapse
        v[t] = beta * v[t-1] + c[t]          beta = 1: integrate-and-fire, beta < 1: leaky

    Attributes:
        alpha: Decay of the synaptic current per step, 0 <= alpha < 1.
        beta: Decay of the potential per step, 0 < beta <= 1.
        reset: ``"subtraction"`` (v -= threshold * spikes) or ``"zero"`` (v = 0).
        spikes: ``"binary"`` (0 or 1), ``"burst"`` (0 ... burst_limit spikes a step) or
            ``"signed"`` (-1 takes back an earlier spike when the potential is negative).
        burst_limit: Most spikes of one step in burst mode.
    """

    alpha: float = 0.0
    beta: float = 1.0
    reset: Reset = "subtraction"
    spikes: SpikeMode = "binary"
    burst_limit: int = 5

    def __post_init__(self) -> None:
        check_choice("reset", self.reset, RESETS)
        check_choice("spikes", self.spikes, SPIKE_MODES)
        for name in ("alpha", "beta"):
            object.__setattr__(self, name, check_real(name, getattr(self, name)))
        limit = check_integer("burst_limit", self.burst_limit, 1, MAX_BURST)
        object.__setattr__(self, "burst_limit", limit)
        if not 0.0 <= self.alpha < 1.0:
            raise ModelError(f"alpha must be at least 0 and below 1, not {self.alpha!r}")
        if not 0.0 < self.beta <= 1.0:
            raise ModelError(f"beta must be above 0 and at most 1, not {self.beta!r}")
        if self.spikes != "binary" and self.reset != "subtraction":
            raise ModelError(
                f"{self.spikes} spikes need reset 'subtraction', not {self.reset!r}: "
                "use binary spikes or the other reset"
            )


@dataclass(frozen=True, kw_only=True)
class EarlyExit:
    """Stop a decision once the best output potential leads by enough.

    A decision stops at the first step at which (best - second) > kappa * spread.

    Attributes:
        kappa: Factor on the spread, above 0.
        spread: Calibrated spread of the margin, in units of the output potential.
    """

    kappa: float
    spread: float

    def __post_init__(self) -> None:
        for name in ("kappa", "spread"):
            value = check_real(f"the {name} of an early exit", getattr(self, name))
            if value <= 0:
                raise ModelError(f"the {name} of an early exit must be above 0, not {value!r}")
            object.__setattr__(self, name, value)
