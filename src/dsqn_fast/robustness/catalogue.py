"""The disturbances by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from dsqn_fast.errors import OptionError
from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.options import check_choice
from dsqn_fast.robustness.networks import drop_neurons, flip_bits, quantise_weights
from dsqn_fast.robustness.observations import (
    BAR_ROWS,
    Bar,
    DisturbedObservations,
    DroppedInput,
    GaussianNoise,
    SaltAndPepper,
)


@dataclass(frozen=True, kw_only=True)
class Disturbance:
    """One kind of disturbance.

    Attributes:
        name: Word of the command line.
        level: What a level is, in words.
        levels: Levels that are measured.
        wrap: Of observations: the wrapper; None if the network is disturbed.
        change: Of networks: called with a network, a level and a seed; None likewise.
    """

    name: str
    level: str
    levels: tuple[float, ...] = ()
    wrap: type[DisturbedObservations] | None = None
    change: Callable[[Any, float, int], Any] | None = None


DISTURBANCES: Final = MappingProxyType(
    {
        one.name: one
        for one in (
            Disturbance(name="bar", level="first of three rows at zero", wrap=Bar),
            Disturbance(
                name="gaussian-noise",
                level="deviation / spread of the input",
                levels=(0.05, 0.1, 0.2),
                wrap=GaussianNoise,
            ),
            Disturbance(
                name="salt-and-pepper",
                level="share of pixels",
                levels=(0.01, 0.03, 0.1),
                wrap=SaltAndPepper,
            ),
            Disturbance(name="dropped-input", level="input at zero", wrap=DroppedInput),
            Disturbance(
                name="dropped-neurons",
                level="share of hidden neurons",
                levels=(0.05, 0.1, 0.2),
                change=drop_neurons,
            ),
            Disturbance(
                name="coarse-weights",
                level="bits of a weight",
                levels=(8, 6, 4),
                change=quantise_weights,
            ),
            Disturbance(
                name="bit-flips",
                level="probability per bit of 8",
                levels=(0.0001, 0.001, 0.01),
                change=flip_bits,
            ),
        )
    }
)

_IMAGES_ONLY: Final = ("bar", "salt-and-pepper")
_VECTORS_ONLY: Final = ("dropped-input",)


def disturbances_for(
    ann: AnnModel, names: Sequence[str] | None = None, *, bar_every: int = 1
) -> list[Disturbance]:
    """The disturbances that fit a network, with their levels.

    Args:
        ann: The source network.
        names: Which ones; None for all that fit.
        bar_every: Rows from one position of the bar to the next.

    Raises:
        OptionError: A name is unknown, does not fit the network's inputs, or ``bar_every`` is
            out of range.
    """
    image = len(ann.input_shape) == 3
    unfit = _VECTORS_ONLY if image else _IMAGES_ONLY
    if isinstance(bar_every, bool) or not isinstance(bar_every, int) or bar_every < 1:
        raise OptionError(f"bar_every must be an integer of at least 1, not {bar_every!r}")
    chosen = [name for name in DISTURBANCES if name not in unfit] if names is None else names
    for name in chosen:
        check_choice("disturbance", name, tuple(DISTURBANCES))
        if name in unfit:
            kind = "vectors" if image else "images"
            raise OptionError(
                f"disturbance {name!r} is one of {kind}, but the policy takes observations of "
                f"shape {tuple(ann.input_shape)}: leave it out"
            )
    return [_with_levels(DISTURBANCES[name], ann, bar_every) for name in chosen]


def _with_levels(one: Disturbance, ann: AnnModel, bar_every: int) -> Disturbance:
    if one.name == "bar":
        last = max(1, ann.input_shape[0] - BAR_ROWS + 1)
        return replace(one, levels=tuple(float(row) for row in range(0, last, bar_every)))
    if one.name == "dropped-input":
        return replace(one, levels=tuple(float(entry) for entry in range(ann.input_shape[0])))
    return one
