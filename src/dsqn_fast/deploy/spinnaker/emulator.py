"""Decisions of a laid-out policy, in the integers of the chip, many decisions at once.

Steps t = 1 ... T; a spike of step t acts in step t + 1. Within a step every cell::

    exc, inh  from the spikes of the step before             (arithmetic.py)
    I = exc - inh + i_offset;  v = update(v, I);  spike where v >= v_thresh, then v = 0

Cells of one neuron (`copies`) have the same input and start, so that those which have not spiked
yet share one potential: cell k spikes when it first reaches the k-th threshold. Encoded input
spikes of step t are sent in the tick before.

Emulated: never measured on a board.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.deploy.spinnaker.arithmetic import (
    LARGEST,
    LARGEST_WEIGHT,
    ONE,
    Integers,
    ring_buffer,
    to_fixed,
    update,
    wrapped,
)
from dsqn_fast.deploy.spinnaker.layout import ChipPopulation, ChipSynapses, Layout
from dsqn_fast.encodings import encode
from dsqn_fast.model.forward import flattened

DENSE: Final = 2**22
"""Connections with fewer entries are multiplied as dense matrices."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Emulation:
    """What happened in B decisions of T steps.

    Attributes:
        potentials: (B, n_out) final potentials of the output population, in units of the model.
        spike_counts: Per population (B, n_l) int32.
        spikes: Population -> (B, T, n_l) int8, where they were recorded.
        saturated: Sums of weights of one step that did not fit 16 bits.
        overflowed: Currents that, times R, left the range of s16.15.
        exhausted: Neurons of a decision with fewer cells than steps, all of which had spiked.
    """

    potentials: NDArray[np.float64]
    spike_counts: tuple[NDArray[np.int32], ...]
    spikes: dict[int, NDArray[np.int8]] = field(default_factory=dict)
    saturated: int = 0
    overflowed: int = 0
    exhausted: int = 0


class Emulator:
    """A laid-out policy that decides.

    Args:
        layout: The policy on the chip.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._populations = [_Population(population) for population in layout.populations]

    def run(
        self,
        observations: NDArray[Any],
        *,
        n_steps: int,
        seed: int = 0,
        decisions: NDArray[np.uint64] | None = None,
        record: bool = False,
    ) -> Emulation:
        """Make decisions.

        Args:
            observations: (B, *input_shape), float64, checked, channels last.
            n_steps: T.
            seed: Seed of the encoding's noise.
            decisions: (B,) index of each decision, which keys its noise; None counts from 0.
            record: Whether spikes of every step are kept.
        """
        batch, encoding = len(observations), self.layout.model.encoding
        state = _State(self._populations, batch)
        encoded: NDArray[np.int8] | None = None
        if encoding == "constant":
            state.currents[0] = to_fixed(self.layout.currents(observations))
        else:
            keys = np.arange(batch, dtype=np.uint64) if decisions is None else decisions
            flat = flattened(observations)
            encoded = encode(encoding, flat, n_steps, seed=seed, decisions=keys)
        kept = {
            index: np.zeros((batch, n_steps, one.chip.n_neurons), np.int8)
            for index, one in enumerate(self._populations if record else ())
        }
        for step in range(n_steps):
            state.step(None if encoded is None else encoded[:, step])
            for index, spikes in kept.items():
                spikes[:, step] = state.spikes[index]
        return Emulation(
            potentials=self._populations[-1].final(state.v[-1], state.counts[-1]),
            spike_counts=tuple(state.counts),
            spikes=kept,
            saturated=state.saturated,
            overflowed=state.overflowed,
            exhausted=state.exhausted(n_steps),
        )


class _Population:
    """A population in integers."""

    def __init__(self, chip: ChipPopulation) -> None:
        self.chip = chip
        self.v_init, self.bias = to_fixed(chip.v_init), to_fixed(chip.bias)
        self.matrices = tuple(_matrix(one) for one in chip.synapse_types)
        most = 1 if chip.cells is None else int(chip.cells.max(initial=1))
        # Column k - 1: threshold of cell k; the last column: what is never reached.
        numbers = np.arange(1, most + 2)
        self.thresholds = to_fixed(chip.threshold[:, np.newaxis] * numbers)
        if chip.cells is not None:
            self.thresholds[numbers > chip.cells[:, np.newaxis]] = LARGEST + 1

    def final(self, v: Integers, counts: NDArray[np.int32]) -> NDArray[np.float64]:
        """Final potentials (B, n) in units of the model."""
        potentials: NDArray[np.float64] = v / (ONE * self.chip.scale)
        if self.chip.cells is not None:
            potentials = potentials - counts * (self.chip.threshold / self.chip.scale)
        return potentials

    def fire(self, v: Integers, counts: NDArray[np.int32]) -> tuple[NDArray[np.int8], Integers]:
        """Spikes (B, n) of one step, and the potentials after them."""
        if self.chip.cells is None:
            fired = v >= self.thresholds[:, 0]
            return fired.astype(np.int8), np.where(fired, 0, v)
        reached, neuron = counts.copy(), np.arange(len(self.thresholds))
        while (more := v >= self.thresholds[neuron, reached]).any():
            reached += more
        return (reached - counts).astype(np.int8), v


def _matrix(synapses: ChipSynapses) -> Any:
    held = synapses.held
    return held.toarray() if held.shape[0] * held.shape[1] <= DENSE else held


class _State:
    """Potentials and spikes of a batch of decisions."""

    def __init__(self, populations: list[_Population], batch: int) -> None:
        self.populations = populations
        self.v = [np.tile(one.v_init, (batch, 1)) for one in populations]
        self.spikes = [np.zeros((batch, one.chip.n_neurons), np.int8) for one in populations]
        self.counts = [np.zeros((batch, one.chip.n_neurons), np.int32) for one in populations]
        self.currents = [one.bias for one in populations]
        self.saturated = self.overflowed = 0

    def step(self, encoded: NDArray[np.int8] | None) -> None:
        """One step of every population; ``encoded`` (B, n) are the encoding's spikes."""
        before: list[NDArray[np.int8] | None] = [encoded, *self.spikes[:-1]]
        for index, one in enumerate(self.populations):
            arriving = before[index]
            current = self.currents[index]
            if one.matrices and arriving is not None:
                current = current + self._arrived(one, arriving)
            current = wrapped(current)
            self.overflowed += int((np.abs(current * one.chip.r) >> 15 > LARGEST).sum())
            v = update(self.v[index], current, one.chip.r, one.chip.e_tc)
            self.spikes[index], self.v[index] = one.fire(v, self.counts[index])
            self.counts[index] += self.spikes[index]

    def _arrived(self, one: _Population, spikes: NDArray[np.int8]) -> Integers:
        """Excitatory minus inhibitory input, from the spikes of the step before."""
        exc, inh = one.matrices
        up = np.maximum(spikes, 0).astype(np.float64)
        sums = [up @ exc, up @ inh]
        if (spikes < 0).any():  # a negative event acts through the same weights, sign reversed
            down = np.maximum(-spikes, 0).astype(np.float64)
            sums = [sums[0] + down @ inh, sums[1] + down @ exc]
        self.saturated += sum(int((total > LARGEST_WEIGHT).sum()) for total in sums)
        types = one.chip.synapse_types
        arrived = [ring_buffer(total, kind.shift) for total, kind in zip(sums, types, strict=True)]
        return arrived[0] - arrived[1]

    def exhausted(self, n_steps: int) -> int:
        """Neurons of a decision that have no cell left where there could be more."""
        return sum(
            int(((counts >= one.chip.cells) & (one.chip.cells < n_steps)).sum())
            for one, counts in zip(self.populations, self.counts, strict=True)
            if one.chip.cells is not None
        )
