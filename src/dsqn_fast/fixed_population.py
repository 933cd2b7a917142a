"""Integers of a population in fixed point, and the limits that they keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import OptionError
from dsqn_fast.model.spiking import SpikingModel

LARGEST_POTENTIAL: Final = 2**30
LARGEST_MARGIN: Final = 2**31 - 1
"""No two potentials differ by more."""
LARGEST_SUM: Final = 2**15 - 1
FEWEST_LEVELS: Final = 15
"""A layer whose largest weight is rounded to fewer levels than this is refused."""


@dataclass(frozen=True, kw_only=True)
class FixedPopulation:
    """Integers of one population.

    Attributes:
        scale: (n,) S, powers of two: the integer that stands for 1; all equal in the output
            population and with timing spytorch.
        weight: (rows, n) int16, pooling's factor multiplied in; zeros where the current is
            constant.
        bias: (n,) int32; zeros where the current is constant.
        threshold: (n,) int32, at least 1.
        initial_potential: (n,) int32.
        chunk_rows: Rows whose weights are summed in 16 bits before they are widened. Rows of a
            dense population after an image are counted as the engine packs them, with padding
            (`fixed_point.packed_rows`).
        largest_current: (n,) int32 largest constant currents, each a float32 number; 0 without
            one.
    """

    scale: NDArray[np.float64]
    weight: NDArray[np.int16]
    bias: NDArray[np.int32]
    threshold: NDArray[np.int32]
    initial_potential: NDArray[np.int32]
    chunk_rows: int
    largest_current: NDArray[np.int32]

    @property
    def one(self) -> float:
        """The integer that stands for 1, where that is the same for all neurons."""
        return float(self.scale[0]) if self.scale.size else 1.0


@dataclass(frozen=True, kw_only=True)
class FixedModel:
    """A model in fixed point.

    Attributes:
        populations: Integers, population by population.
        model: The same model with the rounded values, as float64: they are integers divided by
            a power of two, so that float64 computes with them exactly.
    """

    populations: tuple[FixedPopulation, ...]
    model: SpikingModel


def check_weight_bits(weight_bits: object) -> None:
    """Check the number of bits of a weight.

    Raises:
        OptionError: It is neither 16 nor 8.
    """
    whole = isinstance(weight_bits, int | np.integer) and not isinstance(weight_bits, bool)
    if not whole or weight_bits not in (8, 16):
        raise OptionError(f"weight_bits must be 16 or 8, not {weight_bits!r}")


def check_fixed_steps(n_steps: int, model: SpikingModel) -> None:
    """Refuse more steps than the range was laid out for.

    Raises:
        OptionError: ``n_steps`` exceeds the model's own.
    """
    if n_steps > model.n_steps:
        raise OptionError(
            f"n_steps must be at most {model.n_steps} in fixed point, not {n_steps}: "
            f"use model.replace(n_steps={n_steps})"
        )


def too_few_levels(index: int, n_steps: int) -> OptionError:
    """What to say where no scale keeps the range and enough bits."""
    return OptionError(
        f"layer {index} keeps fewer than {FEWEST_LEVELS} levels of its largest value "
        f"in fixed point at n_steps {n_steps}: use fewer steps or precision 'float32'"
    )
