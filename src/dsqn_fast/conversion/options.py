"""The words and option groups of conversion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from dsqn_fast.errors import ModelError, OptionError
from dsqn_fast.model.checks import check_flag, check_real, shown
from dsqn_fast.model.options import (
    DECODINGS,
    ENCODINGS,
    MAX_BURST,
    RESETS,
    SPIKE_MODES,
    TIMINGS,
    Decoding,
    Encoding,
    Reset,
    SpikeMode,
    Timing,
    check_choice,
    may_burst,
)

Normalization = Literal[
    "none",
    "model",
    "data",
    "robust",
    "thesis-model",
    "thesis-robust",
    "channel",
    "search",
    "spike-norm",
    "local-threshold",
    "auto",
]
InitialPotential = Literal["zero", "half", "calibrated"]

NORMALIZATIONS: Final[tuple[Normalization, ...]] = get_args(Normalization)
INITIAL_POTENTIALS: Final[tuple[InitialPotential, ...]] = get_args(InitialPotential)
QUANTILE_RULES: Final = ("robust", "thesis-robust", "channel", "search")
"""Rules whose scales are a quantile of activations, ``percentile``."""
DEFAULT_N_STEPS: Final = 100
"""Time steps of a conversion that neither names nor searches them, as in Hahn (2020)."""
FRONT_STEPS: Final = (4, 8, 16, 32, 64, 128, 256, 512, 1024)
"""Numbers of steps at which conversions are compared in the environment and on the front."""


def check_number(name: str, value: object) -> float:
    """Return ``value`` as a finite float.

    Raises:
        OptionError: It is not a real number, or not finite.
    """
    try:
        return check_real(name, value)
    except ModelError as error:
        raise OptionError(str(error)) from None


def check_switch(name: str, value: object) -> bool:
    """Return ``value`` as a bool.

    Raises:
        OptionError: It is not True or False.
    """
    try:
        return check_flag(name, value)
    except ModelError as error:
        raise OptionError(str(error)) from None


def check_kind(name: str, value: object, kind: type) -> None:
    """Check that an option group is one.

    Raises:
        OptionError: It is something else.
    """
    if not isinstance(value, kind):
        raise OptionError(f"{name} must be of type {kind.__name__}, not {shown(value)}")


def check_share(name: str, value: float, *, allow_one: bool = True) -> float:
    """Return ``value`` if it is above 0 and at most (or below) 1.

    Raises:
        OptionError: It is not.
    """
    end = "at most 1" if allow_one else "below 1"
    try:
        share = check_real(name, value)
    except ModelError:
        share = -1.0
    if not (0.0 < share < 1.0 or (allow_one and share == 1.0)):
        raise OptionError(f"{name} must be above 0 and {end}, not {shown(value)}")
    return share


def check_count(name: str, value: int, lowest: int = 1) -> int:
    """Return ``value`` if it is an integer of at least ``lowest``.

    Raises:
        OptionError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < lowest:
        raise OptionError(f"{name} must be an integer of at least {lowest}, not {shown(value)}")
    return value


def check_burst_limit(name: str, value: int) -> int:
    """Return ``value`` if neurons may emit so many spikes in one step.

    Raises:
        OptionError: They may not.
    """
    limit = check_count(name, value)
    if limit > MAX_BURST:
        raise OptionError(f"{name} must be at most {MAX_BURST}, not {shown(value)}")
    return limit


@dataclass(frozen=True, kw_only=True)
class Dynamics:
    """How the converted network is to be simulated.

    Attributes:
        reset: ``subtraction`` or ``zero``.
        encoding: ``constant``, ``poisson`` or ``equidistant``.
        decoding: ``potential``, ``count``, ``count+potential`` or ``first-spike``.
        timing: ``instant``, ``nest`` or ``spytorch``.
        two_output_neurons: With ``count``: read negative outputs by a second neuron each.
    """

    reset: Reset = "subtraction"
    encoding: Encoding = "constant"
    decoding: Decoding = "potential"
    timing: Timing = "instant"
    two_output_neurons: bool = False

    def __post_init__(self) -> None:
        check_choice("reset", self.reset, RESETS)
        check_choice("encoding", self.encoding, ENCODINGS)
        check_choice("decoding", self.decoding, DECODINGS)
        check_choice("timing", self.timing, TIMINGS)

    @property
    def allows_bursts(self) -> bool:
        """Whether neurons may emit several spikes in one step."""
        return may_burst(self.timing, self.reset)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One way to convert: everything that `auto` chooses between but the number of steps.

    Attributes:
        normalization: Rule for the scales; not ``auto``.
        percentile: Quantile of the activations that is a scale, 1 for the maximum.
        initial_potential: ``zero``, ``half`` or ``calibrated``.
        calibrate_bias: Correct each bias by the mean error on the calibration set.
        spikes: ``binary``, ``burst`` or ``signed``. With bursts the scales are divided by
            ``burst_limit``: a full burst at every step stands for the scale of the rule.
        burst_limit: Most spikes of one step in burst mode.
    """

    normalization: Normalization = "channel"
    percentile: float = 0.999
    initial_potential: InitialPotential = "half"
    calibrate_bias: bool = False
    spikes: SpikeMode = "binary"
    burst_limit: int = 5

    def __post_init__(self) -> None:
        check_choice("normalization", self.normalization, NORMALIZATIONS)
        check_choice("initial_potential", self.initial_potential, INITIAL_POTENTIALS)
        check_choice("spikes", self.spikes, SPIKE_MODES)
        check_share("percentile", self.percentile)
        check_switch("calibrate_bias", self.calibrate_bias)
        check_burst_limit("burst_limit", self.burst_limit)

    @property
    def depends_on_steps(self) -> bool:
        """Whether another number of steps needs another conversion."""
        simulated = self.normalization in ("search", "spike-norm", "local-threshold")
        return simulated or self.calibrate_bias or self.initial_potential == "calibrated"

    def describe(self) -> str:
        """The recipe in a few words, as tables show it."""
        words: list[str] = [self.normalization]
        if self.normalization in QUANTILE_RULES:
            words.append("max" if self.percentile == 1 else f"p = {self.percentile:g}")
        words.append(f"start {self.initial_potential}")
        if self.calibrate_bias:
            words.append("bias calibrated")
        if self.spikes != "binary":
            limit = f" of up to {self.burst_limit}" if self.spikes == "burst" else ""
            words.append(f"{self.spikes} spikes{limit}")
        return ", ".join(words)
