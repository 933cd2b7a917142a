"""SpiNNaker as a target of verification and play, emulated."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.deploy.reference_target import refuse_early_decisions
from dsqn_fast.deploy.spinnaker.arithmetic import LONGEST_TAU, ONE, decay
from dsqn_fast.deploy.spinnaker.emulator import Emulation, Emulator
from dsqn_fast.deploy.spinnaker.planning import gathered, plan
from dsqn_fast.deploy.spinnaker.settings import (
    choose_settings,
    unsupported_by_chip,
)
from dsqn_fast.deploy.target import Counterpart, Target, TargetOption, TargetRun
from dsqn_fast.model.spiking import SpikingModel

OPTIONS: Final = MappingProxyType(
    {
        "tau_m": TargetOption(default=0.0, help="membrane time constant in ms; 0: the model's"),
        "cm": TargetOption(default=0.0, help="capacitance in nF; 0: input of 1 raises v by 1"),
        "reset": TargetOption(
            default="auto",
            choices=("auto", "zero", "copies"),
            help="zero, or copies for reset by subtraction; auto: as the policy",
        ),
        "scale": TargetOption(default=0.0, help="factor on weights and thresholds; 0: automatic"),
        "sums": TargetOption(
            default="true", choices=("true", "estimated"), help="sums that shifts are made for"
        ),
    }
)
LEAKLESS_TAU: Final = LONGEST_TAU / 2
"""From here on the leak is a fraction of a rounding step for potentials below 1/2."""


class SpinnakerEmulated(Target):
    """`IF_curr_delta` in the integers of the chip."""

    title = "SpiNNaker"
    emulated = True
    options: ClassVar = OPTIONS

    def unsupported(self, model: SpikingModel) -> str | None:
        """Synapses with memory, bursts of one cell, negative spikes, early decisions."""
        return refuse_early_decisions(model, self.title) or unsupported_by_chip(
            model, choose_settings(model, self.chosen)
        )

    def counterpart(self, model: SpikingModel) -> Counterpart:
        """The policy with one step of delay, the chip's leak, and its reset."""
        settings = choose_settings(model, self.chosen)
        copies = settings.reset == "copies"
        leak = 1.0 if settings.tau_m > LEAKLESS_TAU else decay(settings.tau_m) / ONE
        neuron = replace(
            model.neuron,
            beta=leak,
            reset="subtraction" if copies else "zero",
        )
        kind = "by subtraction" if copies else "to zero"
        words = f"with timing 'nest', reset {kind}, beta = {leak:.6g}, in float64"
        return Counterpart(model=model.replace(neuron=neuron, timing="nest"), words=words)

    def prepare(self, model: SpikingModel, n_steps: int) -> None:
        """Lay the policy out; copies are counted on decisions that it makes by itself."""
        settings = choose_settings(model, self.chosen)
        layout = plan(model, settings, gathered(model), n_steps=n_steps)
        self._emulator, self._n_steps = Emulator(layout), n_steps

    def run(
        self,
        observations: NDArray[Any],
        *,
        seed: int,
        decisions: NDArray[np.uint64],
        record: bool,
    ) -> TargetRun:
        """Decide."""
        result = self._emulator.run(
            observations, n_steps=self._n_steps, seed=seed, decisions=decisions, record=record
        )
        return TargetRun(
            potentials=result.potentials,
            spike_counts=result.spike_counts,
            spikes=result.spikes,
            notes=(
                "emulated in the chip's integers: not measured on a board",
                *_warnings(result),
            ),
        )


def _warnings(result: Emulation) -> tuple[str, ...]:
    found = {
        "some sums of weights in one step did not fit 16 bits and were cut": result.saturated,
        "some currents left the range of s16.15 and wrapped around: choose a smaller scale": (
            result.overflowed
        ),
        "some neurons had no cell left to spike with: count copies on such decisions": (
            result.exhausted
        ),
    }
    return tuple(sentence for sentence, times in found.items() if times)


__all__ = ["OPTIONS", "SpinnakerEmulated"]
