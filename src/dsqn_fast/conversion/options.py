"""The words and option groups of conversion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from dsqn_fast.errors import OptionError
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
    check_n_steps,
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
DEFAULT_N_STEPS: Final = 100
"""Time steps of a conversion that neither names nor searches them, as in Hahn (2020)."""


def check_share(name: str, value: float, *, allow_one: bool = True) -> float:
    """Return ``value`` if it is above 0 and at most (or below) 1.

    Raises:
        OptionError: It is not.
    """
    if not (0.0 < value < 1.0 or (allow_one and value == 1.0)):
        end = "at most 1" if allow_one else "below 1"
        raise OptionError(f"{name} must be above 0 and {end}, not {value!r}")
    return float(value)


def check_count(name: str, value: int, lowest: int = 1) -> int:
    """Return ``value`` if it is an integer of at least ``lowest``.

    Raises:
        OptionError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < lowest:
        raise OptionError(f"{name} must be an integer of at least {lowest}, not {value!r}")
    return value


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
        return self.timing != "spytorch" and self.reset == "subtraction"


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
        check_count("burst_limit", self.burst_limit)
        if self.burst_limit > MAX_BURST:
            raise OptionError(f"burst_limit must be at most {MAX_BURST}, not {self.burst_limit}")

    @property
    def depends_on_steps(self) -> bool:
        """Whether another number of steps needs another conversion."""
        simulated = self.normalization in ("search", "spike-norm", "local-threshold")
        return simulated or self.calibrate_bias or self.initial_potential == "calibrated"

    def describe(self) -> str:
        """The recipe in a few words, as tables show it."""
        words: list[str] = [self.normalization]
        if self.normalization in ("robust", "thesis-robust", "channel"):
            words.append("max" if self.percentile == 1 else f"p = {self.percentile:g}")
        words.append(f"start {self.initial_potential}")
        if self.calibrate_bias:
            words.append("bias calibrated")
        if self.spikes != "binary":
            limit = f" of up to {self.burst_limit}" if self.spikes == "burst" else ""
            words.append(f"{self.spikes} spikes{limit}")
        return ", ".join(words)


@dataclass(frozen=True, kw_only=True)
class CalibrationOptions:
    """Which observations conversion looks at.

    Attributes:
        max_observations: At most so many are used; a seeded sample of a larger set
            (``thesis-robust`` and ``thesis-model``: the first ones, as the thesis does).
        max_simulated: At most so many are simulated to calibrate potentials or biases.
        epsilon: Share of random actions while the source network gathers observations.
        episodes: Most episodes to gather; None plays until there are enough observations.
        max_episode_steps: Another step limit than the environment's own while gathering.
    """

    max_observations: int = 20_000
    max_simulated: int = 1_000
    epsilon: float = 0.05
    episodes: int | None = None
    max_episode_steps: int | None = None

    def __post_init__(self) -> None:
        check_count("max_observations", self.max_observations)
        check_count("max_simulated", self.max_simulated)
        if not 0.0 <= self.epsilon <= 1.0:
            raise OptionError(f"epsilon must be from 0 to 1, not {self.epsilon!r}")
        if self.episodes is not None:
            check_count("episodes", self.episodes)
        if self.max_episode_steps is not None:
            check_n_steps(self.max_episode_steps, "max_episode_steps")


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """How long and on what `search` looks for scales.

    Attributes:
        trials: Sets of scales that are tried.
        max_observations: Calibration observations on which actions are compared.
        lowest: Smallest factor on the scale of ``channel``.
        highest: Largest factor.
    """

    trials: int = 40
    max_observations: int = 1_000
    lowest: float = 0.3
    highest: float = 1.5

    def __post_init__(self) -> None:
        check_count("trials", self.trials)
        check_count("max_observations", self.max_observations)
        if not 0.0 < self.lowest < self.highest:
            raise OptionError(
                f"search needs 0 < lowest < highest, not {self.lowest!r} and {self.highest!r}"
            )


@dataclass(frozen=True, kw_only=True)
class AutoOptions:
    """What `auto` aims at and how far it goes.

    Attributes:
        agreement: Wanted share of decisions that equal the source network's.
        wanted_return: Wanted mean return; taken where it is reached although the agreement
            is not. Needs an environment.
        max_steps: Largest number of time steps.
        max_observations: States on which candidates are compared, and as many again, held
            out, for the figures of the report (the front: a third of them).
        screening: States on which weak candidates are sorted out first.
        finalists: Candidates that are left after that.
        allow_bursts: Try burst spikes where binary spikes do not reach the agreement.
        burst_limits: Burst limits to try, in this order.
        episodes: Episodes that check a policy in its environment, 0 for none.
    """

    agreement: float = 0.99
    wanted_return: float | None = None
    max_steps: int = 128
    max_observations: int = 3_000
    screening: int = 500
    finalists: int = 3
    allow_bursts: bool = True
    burst_limits: tuple[int, ...] = (5,)
    episodes: int = 20

    def __post_init__(self) -> None:
        check_share("agreement", self.agreement)
        check_n_steps(self.max_steps, "max_steps")
        for name in ("max_observations", "screening", "finalists"):
            check_count(name, getattr(self, name))
        check_count("episodes", self.episodes, 0)
