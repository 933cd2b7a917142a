"""What can be chosen where a policy is laid out for SpiNNaker."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from dsqn_fast.deploy.spinnaker.arithmetic import LONGEST_TAU, ONE, decay
from dsqn_fast.errors import OptionError
from dsqn_fast.model.options import Neuron, check_choice
from dsqn_fast.model.spiking import SpikingModel

Reset = Literal["zero", "copies"]
Sums = Literal["true", "estimated"]
RESETS: Final[tuple[Reset, ...]] = get_args(Reset)
SUMS: Final[tuple[Sums, ...]] = get_args(Sums)
SHORTEST_TAU: Final = 1.0
LARGEST_SCALE: Final = 2.0**12


@dataclass(frozen=True, kw_only=True)
class SpinnakerSettings:
    """How a policy is laid out.

    Attributes:
        tau_m: Membrane time constant in ms, 1 to 32768. The chip's exponential makes eTC 32766
            of 32768 from 16385 on, the weakest leak that still lets input through: a potential
            v loses v / 16384 per step, rounded down.
        cm: Membrane capacitance in nF; 0 for the one with which an input of 1 nA raises the
            potential by 1 in a step, tau_m * (1 - eTC).
        reset: ``zero``, what the cell does: the part of a potential above the threshold is lost.
            ``copies``: reset by subtraction from cells that never come back (`copies`).
        scale: Factor on weights, currents and thresholds of every population; 0 for one per
            population that wastes no bit (`layout`).
        sums: The tool chain chooses the shift of the weights from the ``true`` largest sum,
            handed to it as max_expected_summed_weight, or as ``estimated`` by itself: largest
            weight times number of synapses.

    Raises:
        OptionError: One of them is not possible.
    """

    tau_m: float = LONGEST_TAU
    cm: float = 0.0
    reset: Reset = "zero"
    scale: float = 0.0
    sums: Sums = "true"

    def __post_init__(self) -> None:
        check_choice("reset", self.reset, RESETS)
        check_choice("sums", self.sums, SUMS)
        if not SHORTEST_TAU <= self.tau_m <= LONGEST_TAU:
            raise OptionError(
                f"tau_m must be from {SHORTEST_TAU:g} to {LONGEST_TAU:g} ms, not {self.tau_m:g}: "
                "with a longer one dt / tau_m is 0 in s16.15 and no input gets through"
            )
        if self.cm != 0 and not 2.0**-10 <= self.cm <= LONGEST_TAU:
            raise OptionError(f"cm must be 0, or from 2**-10 to 2**15 nF, not {self.cm:g}")
        if self.scale != 0 and not 1 / LARGEST_SCALE <= self.scale <= LARGEST_SCALE:
            raise OptionError(f"scale must be 0, or from 2**-12 to 2**12, not {self.scale:g}")

    @property
    def capacitance(self) -> float:
        """The chosen cm, or the one that makes the gain 1."""
        return self.cm or self.tau_m * (1 - decay(self.tau_m) / ONE)


def fitting_tau(neuron: Neuron) -> float:
    """The tau_m whose leak is nearest to a model's: the longest for beta = 1."""
    if neuron.beta == 1.0:
        return LONGEST_TAU
    return min(-1.0 / math.log(neuron.beta), LONGEST_TAU)


def choose_settings(model: SpikingModel, chosen: Mapping[str, Any]) -> SpinnakerSettings:
    """Settings from the options of a target; those left open follow the policy."""
    reset = chosen["reset"]
    if reset == "auto":
        reset = "zero" if model.neuron.reset == "zero" else "copies"
    return SpinnakerSettings(
        tau_m=chosen["tau_m"] or fitting_tau(model.neuron),
        cm=chosen["cm"],
        reset=reset,
        scale=chosen["scale"],
        sums=chosen["sums"],
    )


def unsupported_by_chip(model: SpikingModel, settings: SpinnakerSettings) -> str | None:
    """What of a policy IF_curr_delta cannot do, in one sentence, or None."""
    neuron = model.neuron
    if neuron.alpha:
        return (
            f"IF_curr_delta takes its input in one step, but this policy's synapses decay by "
            f"alpha = {neuron.alpha:g}: use alpha = 0"
        )
    if neuron.spikes == "signed":
        return "IF_curr_delta has no negative spikes, which this policy uses: use binary spikes"
    if neuron.spikes == "burst" and settings.reset == "zero":
        return (
            "one IF_curr_delta cell spikes once per step, but this policy uses bursts: use reset "
            "copies"
        )
    return None
