"""The chip's cells one by one, in Python's own integers: what the emulator is tested against."""

from __future__ import annotations

import math

import numpy as np

from dsqn_fast.deploy.spinnaker.layout import ChipPopulation, Layout


def int32(value: int) -> int:
    return (value + 2**31) % 2**32 - 2**31


def fixed(value: float) -> int:
    return round(float(value) * 2**15)


class Cell:
    """One IF_curr_delta cell."""

    def __init__(self, chip: ChipPopulation, neuron: int, number: int) -> None:
        self.r, self.e_tc = chip.r, chip.e_tc
        self.once = chip.cells is not None
        self.v = fixed(chip.v_init[neuron])
        self.threshold = fixed(chip.threshold[neuron] * number)
        self.offset = fixed(chip.bias[neuron])
        self.refractory = False
        self.ring = [0, 0]

    def step(self, shifts: tuple[int, ...]) -> bool:
        exc, inh = (min(total, 0xFFFF) << p for total, p in zip(self.ring, shifts, strict=True))
        self.ring = [0, 0]
        if self.refractory:
            return False
        current = int32(int32(exc - inh) + self.offset)
        target = int32(current * self.r >> 15)
        self.v = int32(target - int32(self.e_tc * int32(target - self.v) >> 15))
        if self.v < self.threshold:
            return False
        self.v, self.refractory = 0, self.once
        return True


def weight16(magnitude: float, p: int) -> int:
    return int(np.rint(magnitude * 2 ** (15 - p)))


def decide(layout: Layout, observation: np.ndarray, n_steps: int) -> list[np.ndarray]:
    """Spikes (T, n_l) of every population for one observation, with constant current."""
    groups = [
        [
            [
                Cell(chip, neuron, k + 1)
                for k in range(1 if chip.cells is None else chip.cells[neuron])
            ]
            for neuron in range(chip.n_neurons)
        ]
        for chip in layout.populations
    ]
    for neuron, current in zip(groups[0], layout.currents(observation[np.newaxis])[0], strict=True):
        for cell in neuron:
            cell.offset = fixed(current)
    spikes = [np.zeros((n_steps, len(group)), np.int8) for group in groups]
    for step in range(n_steps):
        fired = []
        for index, (chip, group) in enumerate(zip(layout.populations, groups, strict=True)):
            shifts = tuple(one.shift for one in chip.synapse_types) or (0, 0)
            fired.append([[cell.step(shifts) for cell in neuron] for neuron in group])
            spikes[index][step] = [sum(neuron) for neuron in fired[-1]]
        for index in range(1, len(groups)):
            _send(layout.populations[index], fired[index - 1], groups[index])
    return spikes


def _send(chip: ChipPopulation, fired: list[list[bool]], group: list[list[Cell]]) -> None:
    for kind, synapses in enumerate(chip.synapse_types):
        weights = synapses.weights.toarray()
        for source, cells in enumerate(fired):
            for target, neuron in enumerate(group):
                for cell in neuron:
                    cell.ring[kind] += sum(cells) * weight16(
                        weights[source, target], synapses.shift
                    )


def exp_in_fixed(x: int) -> float:
    """exp of an s16.15 number, in s16.15 but not rounded."""
    return math.exp(x / 2**15) * 2**15
