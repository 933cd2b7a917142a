"""What a layout loses before anything runs: underflow, saturation, overflow, coarse steps."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.deploy.spinnaker.arithmetic import LARGEST, LARGEST_WEIGHT, ONE
from dsqn_fast.deploy.spinnaker.layout import ChipPopulation, Layout

COARSE: Final = 2.0**-8
"""A weight step above this share of the threshold is worth a warning."""
MOST_CELLS_PER_CORE: Final = 256


@dataclass(frozen=True, kw_only=True)
class PopulationCheck:
    """One population.

    Attributes:
        neurons: Of the policy.
        cells: On the chip.
        scale: Smallest and largest factor on weights and thresholds.
        shifts: Of excitatory and inhibitory synapses; () where there are none.
        max_expected_summed_weight: The sums that they are made for, in nA.
        weight_step: Step of a weight, as a share of the threshold, at worst.
        largest_weight_error: Largest rounding error of a weight, likewise.
        underflow: Synapses whose weight is not 0 but is held as 0.
        saturation: Synapses whose weight does not fit 16 bits.
        overflow: Neurons whose largest current, times R, leaves s16.15.
        current_step: Step of a constant current, as a share of the threshold, at worst.
    """

    neurons: int
    cells: int
    scale: tuple[float, float]
    shifts: tuple[int, ...]
    max_expected_summed_weight: tuple[float, ...]
    weight_step: float
    largest_weight_error: float
    underflow: int
    saturation: int
    overflow: int
    current_step: float


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """All populations, and what to do.

    Attributes:
        populations: First to last.
        warnings: Sentences: what is lost and what to do; none if nothing worth it.
    """

    populations: tuple[PopulationCheck, ...]
    warnings: tuple[str, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """One line for every population that has synapses."""
        return tuple(
            f"population {number}: shifts {', '.join(map(str, one.shifts))} for sums of "
            f"{', '.join(f'{total:.3f}' for total in one.max_expected_summed_weight)} nA "
            f"(excitatory, inhibitory), a weight step of {one.weight_step:.3%} of the threshold, "
            f"{one.underflow} weights lost to underflow, {one.saturation} to saturation"
            for number, one in enumerate(self.populations, 1)
            if one.shifts
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "populations": [asdict(one) for one in self.populations],
            "warnings": list(self.warnings),
        }


def check_layout(layout: Layout, observations: NDArray[Any] | None = None) -> Preflight:
    """Check a layout.

    Args:
        layout: The policy on the chip.
        observations: (B, *input_shape), float64, channels last: their currents are checked too.
    """
    checks = []
    for index, chip in enumerate(layout.populations):
        largest = np.abs(chip.bias) + sum(
            (np.asarray(one.weights.sum(axis=0)).ravel() for one in chip.synapse_types),
            np.zeros(chip.n_neurons),
        )
        if index == 0 and observations is not None and layout.model.encoding == "constant":
            largest = np.abs(layout.currents(observations)).max(axis=0)
        checks.append(_check(chip, _theta(layout, index), largest))
    return Preflight(
        populations=tuple(checks),
        warnings=tuple(sentence for one in enumerate(checks, 1) for sentence in _warnings(*one)),
    )


def _theta(layout: Layout, index: int) -> NDArray[np.float64]:
    """Threshold (n,) in the chip's units, also where the cells never reach it."""
    chip, layer = layout.populations[index], layout.model.populations[index]
    theta = np.atleast_1d(layer.threshold).astype(np.float64)
    return np.tile(theta, chip.n_neurons // max(len(theta), 1)) * chip.scale


def _check(
    chip: ChipPopulation, theta: NDArray[np.float64], largest: NDArray[np.float64]
) -> PopulationCheck:
    smallest = theta.min(initial=np.inf)
    step = error = 0.0
    underflow = saturation = 0
    for one in chip.synapse_types:
        weights, scale = one.weights.data, 2.0 ** (15 - one.shift)
        step = max(step, chip.gain / scale / smallest)
        lost = np.abs(weights - one.held.data / scale) * chip.gain / theta[one.weights.indices]
        error = max(error, float(lost.max(initial=0.0)))
        underflow += int(((weights != 0) & (one.held.data == 0)).sum())
        saturation += int((np.rint(weights * scale) > LARGEST_WEIGHT).sum())
    return PopulationCheck(
        neurons=chip.n_neurons,
        cells=chip.n_cells,
        scale=(float(chip.scale.min(initial=np.inf)), float(chip.scale.max(initial=0.0))),
        shifts=tuple(one.shift for one in chip.synapse_types),
        max_expected_summed_weight=tuple(one.sums for one in chip.synapse_types),
        weight_step=step,
        largest_weight_error=error,
        underflow=underflow,
        saturation=saturation,
        overflow=int((largest * chip.r > LARGEST).sum()),
        current_step=chip.gain / ONE / smallest,
    )


def _warnings(number: int, one: PopulationCheck) -> list[str]:
    found = []
    if one.underflow:
        found.append(
            f"population {number}: {one.underflow} weights are too small for 16 bits and become 0: "
            "rescale with a larger scale, or leave scale at 0"
        )
    if one.saturation:
        found.append(
            f"population {number}: {one.saturation} weights do not fit 16 bits: hand the tool "
            "chain the true sums (sums=true)"
        )
    if one.overflow:
        found.append(
            f"population {number}: currents of {one.overflow} neurons leave s16.15 when they are "
            "multiplied by R and wrap around: rescale with a smaller scale or a shorter tau_m"
        )
    if one.weight_step > COARSE:
        found.append(
            f"population {number}: a weight step is {one.weight_step:.2%} of the threshold: "
            "leave scale at 0 and sums at true, or normalise the policy per channel"
        )
    if one.current_step > COARSE:
        found.append(
            f"population {number}: a step of the constant current is {one.current_step:.2%} of "
            "the threshold: rescale with a larger scale"
        )
    return found
