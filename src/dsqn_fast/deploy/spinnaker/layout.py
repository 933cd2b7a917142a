"""A policy laid out for SpiNNaker: the integers on the chip and the numbers sPyNNaker is given.

An input of 1 nA raises the potential of a cell by g = R (1 - eTC) in a step. Every neuron has a
scale k, and the chip is given ::

    weights  k W / g      currents  k (b + W x) / g      v_thresh  k theta      v  k v0

so that its potential is k times that of the model. The automatic k makes the larger of the sums
of positive and of negative weights to a neuron just under 1 nA (shift p = 0, all bits of a weight
in use), but v_thresh of cells that spike at most 1/2, below which the leak of the longest tau_m
rounds to nothing, and the largest current, times R, at most half of what s16.15 holds.

The output population of decoding ``potential`` has a threshold that is never reached.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dsqn_fast.connectivity import constant_current, pool_factor, pool_sum
from dsqn_fast.deploy.spinnaker.arithmetic import (
    ONE,
    decay,
    resistance,
    shift,
    weights_in_16_bits,
)
from dsqn_fast.deploy.spinnaker.copies import Copies
from dsqn_fast.deploy.spinnaker.settings import LARGEST_SCALE, SpinnakerSettings
from dsqn_fast.deploy.synapses import Neurons, population_neurons, population_synapses
from dsqn_fast.model.forward import flattened
from dsqn_fast.model.layers import Flatten
from dsqn_fast.model.spiking import SpikingLayer, SpikingModel

Floats = NDArray[np.float64]
NEVER: Final = 60000.0
"""Threshold of cells that never spike: near the end of s16.15."""
LARGEST_THRESHOLD: Final = 0.499
JUST_BELOW_ONE: Final = 0.999
LARGEST_TARGET: Final = 2.0**15
"""Largest current times R that the automatic scale allows, half the range of s16.15."""
TINY: Final = 2.0**-40
LARGEST_INPUT: Final = 4.0
"""Largest value of an observation where none are given."""
SPARE: Final = 1.5
"""Currents that are allowed for, as a multiple of those of the observations given."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ChipSynapses:
    """Connections to one population, of one sign.

    Attributes:
        weights: (n_source, n) CSR, magnitudes in nA.
        sums: Largest sum of one step that the shift is made for, in nA.
        shift: p.
        held: (n_source, n) CSR, 16-bit weights as float64, which holds them exactly.
    """

    weights: sparse.csr_array
    sums: float
    shift: int
    held: sparse.csr_array


@dataclass(frozen=True, kw_only=True, eq=False)
class ChipPopulation:
    """One population; arrays have one value per neuron of the model.

    Attributes:
        scale: (n,) k.
        gain: g.
        r: R, s16.15.
        e_tc: eTC, s16.15.
        threshold: (n,) in the chip's units of potential; of the first cell where a neuron has
            several, cell k has k times as much.
        v_init: (n,) likewise.
        bias: (n,) constant current in nA; zeros where the encoding gives the current.
        cells: (n,) cells of each neuron; None where the cell resets to zero.
        excitatory, inhibitory: Synapses; None for the first population with constant current.
    """

    scale: Floats
    gain: float
    r: int
    e_tc: int
    threshold: Floats
    v_init: Floats
    bias: Floats
    cells: NDArray[np.int64] | None
    excitatory: ChipSynapses | None
    inhibitory: ChipSynapses | None

    @property
    def n_neurons(self) -> int:
        """Neurons of the model."""
        return len(self.threshold)

    @property
    def n_cells(self) -> int:
        """Cells on the chip."""
        return self.n_neurons if self.cells is None else int(self.cells.sum())

    @property
    def synapse_types(self) -> tuple[ChipSynapses, ...]:
        """Excitatory and inhibitory synapses, or none."""
        if self.excitatory is None or self.inhibitory is None:
            return ()
        return self.excitatory, self.inhibitory


@dataclass(frozen=True, kw_only=True, eq=False)
class Layout:
    """A policy on the chip.

    Attributes:
        model: The policy.
        settings: How it was laid out.
        populations: First to last.
    """

    model: SpikingModel
    settings: SpinnakerSettings
    populations: tuple[ChipPopulation, ...]

    def currents(self, observations: NDArray[Any]) -> Floats:
        """Constant currents (B, n) of the first population, in nA.

        Args:
            observations: (B, *input_shape), float64, checked, channels last.
        """
        first = self.populations[0]
        return _first_current(self.model, observations) * (first.scale / first.gain)


def _first_current(model: SpikingModel, observations: NDArray[Any]) -> Floats:
    """Constant currents (B, n) of the first population, in units of the model."""
    values = observations
    for layer in model.layers:
        if isinstance(layer, SpikingLayer):
            break
        if isinstance(layer, Flatten):
            values = flattened(values)
        else:
            values = pool_sum(layer, values) * pool_factor(layer, values.dtype)
    current: Floats = flattened(constant_current(model.populations[0].connection, values))
    return current


def lay_out(
    model: SpikingModel,
    settings: SpinnakerSettings,
    *,
    copies: Copies | None = None,
    observations: NDArray[Any] | None = None,
) -> Layout:
    """Lay a policy out for the chip.

    Args:
        model: The policy, its output neurons already doubled where asked for.
        settings: Choices.
        copies: Cells of every neuron, with reset ``copies``; None for one cell that resets to
            zero.
        observations: (B, *input_shape), float64, channels last: the currents that they cause
            are allowed for; None allows for values up to 4.
    """
    largest = None
    if observations is not None and len(observations):
        largest = np.abs(_first_current(model, observations)).max(axis=0) * SPARE
    laid: list[ChipPopulation] = []
    parts = zip(population_neurons(model), population_synapses(model), strict=True)
    n_source, last = int(np.prod(model.input_shape)), len(model.populations) - 1
    for index, (neurons, synapses) in enumerate(parts):
        n = len(neurons.bias)
        place = (synapses.source, synapses.target)
        draft = _Draft(
            settings=settings,
            neurons=neurons,
            matrix=sparse.csr_array((synapses.weight, place), shape=(n_source, n)),
            constant=index == 0 and model.encoding == "constant",
            fires=index < last or model.decoding != "potential",
            cells=None if copies is None else copies.cells[index],
            largest=largest if index == 0 else None,
            at_once=copies.at_once[index - 1] if copies is not None and index else 1,
        )
        laid.append(draft.population())
        n_source = n
    return Layout(model=model, settings=settings, populations=tuple(laid))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Draft:
    """A population before it is given a scale; all in units of the model.

    Attributes:
        matrix: (n_source, n) weights.
        constant: It is driven by the encoding's constant current.
        fires: It spikes.
        largest: (n,) largest current of the encoding, where known.
        at_once: Spikes of one source neuron that may arrive in the same step.
    """

    settings: SpinnakerSettings
    neurons: Neurons
    matrix: sparse.csr_array
    constant: bool
    fires: bool
    cells: NDArray[np.int64] | None
    largest: Floats | None
    at_once: int

    def population(self) -> ChipPopulation:
        """The population on the chip."""
        tau_m, cm = self.settings.tau_m, self.settings.capacitance
        r, e_tc = resistance(tau_m, cm), decay(tau_m)
        gain = r / ONE * (1 - e_tc / ONE)
        signed = [self.matrix.maximum(0), (-self.matrix).maximum(0)]
        scale = np.full(len(self.neurons.bias), self.settings.scale)
        if not self.settings.scale:
            scale = self._scale([_sums(one) * self.at_once for one in signed], gain, r)
        synapses: list[ChipSynapses | None] = [None, None]
        if not self.constant:
            per_target = sparse.diags_array(scale / gain)
            synapses = [self._synapses(one @ per_target) for one in signed]
        theta = self.neurons.threshold
        return ChipPopulation(
            scale=scale,
            gain=gain,
            r=r,
            e_tc=e_tc,
            threshold=theta * scale if self.fires else np.full_like(theta, NEVER),
            v_init=self.neurons.start * scale,
            bias=self.neurons.bias * (0.0 if self.constant else scale / gain),
            cells=self.cells if self.fires else None,
            excitatory=synapses[0],
            inhibitory=synapses[1],
        )

    def _scale(self, sums: list[Floats], gain: float, r: int) -> Floats:
        """The automatic k, per neuron, for these sums of positive and negative weights."""
        theta = self.neurons.threshold
        if self.constant:
            current = self.largest
            if current is None:
                current = np.abs(self.neurons.bias) + LARGEST_INPUT * (sums[0] + sums[1])
            weights = np.zeros_like(theta)
        else:
            weights = np.maximum(*sums)
            current = np.abs(self.neurons.bias) + weights
        limits = [
            LARGEST_THRESHOLD / theta if self.fires else np.full_like(theta, LARGEST_SCALE),
            JUST_BELOW_ONE * gain / np.maximum(weights, TINY),
            LARGEST_TARGET * gain / (r / ONE) / np.maximum(current, TINY),
        ]
        scale: Floats = np.minimum.reduce(limits)
        return scale

    def _synapses(self, weights: sparse.csr_array) -> ChipSynapses:
        weights = sparse.csr_array(weights)
        weights.eliminate_zeros()
        sums = float(_sums(weights).max(initial=0.0)) * self.at_once
        if self.settings.sums == "estimated" and weights.nnz:
            fan_in = np.bincount(weights.indices, minlength=weights.shape[1]).max()
            sums = float(weights.max()) * float(fan_in)
        p = shift(sums)
        held = weights.copy()
        held.data = weights_in_16_bits(weights.data, p).astype(np.float64)
        return ChipSynapses(weights=weights, sums=sums, shift=p, held=held)


def _sums(matrix: sparse.csr_array) -> Floats:
    """Sum of the weights to each neuron: what a spike of every source brings."""
    return np.asarray(matrix.sum(axis=0), np.float64).ravel()
