"""The factors of a study: what a cell can be set to, and which values each takes."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from dsqn_fast.conversion.options import INITIAL_POTENTIALS, NORMALIZATIONS
from dsqn_fast.deploy.catalogue import TARGETS
from dsqn_fast.errors import OptionError
from dsqn_fast.model.checks import shown
from dsqn_fast.model.options import (
    DECODINGS,
    ENCODINGS,
    MAX_BURST,
    MAX_STEPS,
    PRECISIONS,
    RESETS,
    SPIKE_MODES,
    TIMINGS,
    check_choice,
)
from dsqn_fast.robustness import DISTURBANCES
from dsqn_fast.studies.study import Setting

Check = Callable[[str, Any], Setting]


@dataclass(frozen=True, kw_only=True)
class Factor:
    """Something that can be set.

    Attributes:
        check: Returns a value or refuses it.
        default: Value of cells that do not set it.
        help: What it is, for people.
        converts: Part of the conversion: without effect on policies that play as they are.
    """

    check: Check
    default: Setting
    help: str
    converts: bool = True


def _choice(choices: Iterable[str]) -> Check:
    words = tuple(choices)
    return lambda name, value: check_choice(name, value, words)


def _integer(lowest: int, highest: int) -> Check:
    def check(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            raise OptionError(
                f"{name} must be an integer from {lowest} to {highest}, not {shown(value)}"
            )
        return value

    return check


def _among(*values: int) -> Check:
    def check(name: str, value: Any) -> int:
        if isinstance(value, bool) or value not in values:
            raise OptionError(f"{name} must be one of {values}, not {shown(value)}")
        return int(value)

    return check


def _number(lowest: float, highest: float) -> Check:
    def check(name: str, value: Any) -> float:
        real = isinstance(value, int | float) and not isinstance(value, bool)
        if not real or not math.isfinite(value) or not lowest <= value <= highest:
            raise OptionError(
                f"{name} must be a number from {lowest:g} to {highest:g}, not {shown(value)}"
            )
        return float(value)

    return check


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > 500:
        raise OptionError(f"{name} must be a text of at most 500 letters, not {shown(value)}")
    return value


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise OptionError(f"{name} must be true or false, not {shown(value)}")
    return value


NONE: Final = "none"
"""No disturbance."""
ENGINE: Final = "engine"
"""The backend of this package; the others are targets of deployment."""

FACTORS: Final[dict[str, Factor]] = {
    "normalization": Factor(
        check=_choice(NORMALIZATIONS), default="channel", help="rule for the scales"
    ),
    "percentile": Factor(
        check=_number(1e-6, 1.0), default=0.999, help="quantile of the rules that have one"
    ),
    "initial_potential": Factor(
        check=_choice(INITIAL_POTENTIALS), default="half", help="start potential"
    ),
    "calibrate_bias": Factor(check=_flag, default=False, help="correct biases by the mean error"),
    "spikes": Factor(check=_choice(SPIKE_MODES), default="binary", help="binary, burst, signed"),
    "burst_limit": Factor(check=_integer(1, MAX_BURST), default=5, help="most spikes of a burst"),
    "reset": Factor(check=_choice(RESETS), default="subtraction", help="reset after a spike"),
    "encoding": Factor(check=_choice(ENCODINGS), default="constant", help="of the observation"),
    "decoding": Factor(check=_choice(DECODINGS), default="potential", help="of the action"),
    "two_output_neurons": Factor(
        check=_flag, default=False, help="with count: a second neuron for negative outputs"
    ),
    "timing": Factor(check=_choice(TIMINGS), default="instant", help="convention of the steps"),
    "n_steps": Factor(check=_integer(1, MAX_STEPS), default=100, help="time steps T"),
    "precision": Factor(
        check=_choice(PRECISIONS), default="float32", help="numbers of the engine", converts=False
    ),
    "weight_bits": Factor(
        check=_among(8, 16), default=16, help="of precision fixed", converts=False
    ),
    "rounded_weights": Factor(
        check=_among(0, *range(2, 17)),
        default=0,
        help="round weights to so many bits per layer, symmetric around 0; 0 rounds nothing",
        converts=False,
    ),
    "backend": Factor(
        check=_choice((ENGINE, *TARGETS)), default=ENGINE, help="what simulates", converts=False
    ),
    "backend_options": Factor(
        check=_text,
        default="",
        help="options of a backend that is not the engine, such as `mode=thesis`",
        converts=False,
    ),
    "agent": Factor(
        check=_choice(("spiking", "source")),
        default="spiking",
        help="who plays: the spiking policy, or its source network under the same disturbance",
        converts=False,
    ),
    "disturbance": Factor(
        check=_choice((NONE, *DISTURBANCES)), default=NONE, help="as of `dsqn-fast robustness`"
    ),
    "level": Factor(check=_number(0.0, 1e6), default=0.0, help="how strong the disturbance is"),
    "epsilon": Factor(
        check=_number(0.0, 1.0), default=0.0, help="share of random actions", converts=False
    ),
    "early_exit": Factor(
        check=_number(0.0, 1e9),
        default=0.0,
        help="kappa: stop where the margin exceeds kappa times its spread; 0 never",
        converts=False,
    ),
}


def check_factor(name: str, value: Any) -> Setting:
    """Return the value of a factor.

    Raises:
        OptionError: There is no such factor, or the value is not one of its values.
    """
    if name not in FACTORS:
        raise OptionError(unknown("factor", name, FACTORS))
    return FACTORS[name].check(name, value)


def unknown(kind: str, name: object, known: Iterable[str]) -> str:
    """The sentence about a name that is not known, with the nearest one that is."""
    names = list(known)
    near = difflib.get_close_matches(str(name)[:64], names, n=1, cutoff=0.0)
    nearest = f"; the nearest is {near[0]!r}" if near else ""
    return f"there is no {kind} {shown(name)}{nearest}"
