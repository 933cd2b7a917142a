"""What one simulation gives back, whoever ran it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class SimulationResult(Protocol):
    """The result of `Engine.run` and of `simulate_reference`.

    B decisions, T time steps, n_l neurons in population l (populations are the layers that
    have neurons, the last one being the output layer).

    Attributes:
        actions: (B,) int64, the decoded action.
        outputs: (B, n_out) in the engine's precision, the decoded outputs: final potential
            (``potential``), signed spike count (``count``), (N * threshold + v) / T
            (``count+potential``); with ``first-spike`` the final potentials.
        q_values: (B, n_out) float64, outputs in units of the source network: lambda * v / T,
            lambda * N * threshold / T, or lambda * robust rate; with ``first-spike`` as
            ``potential``.
        spike_counts: per population (B, n_l) int32, sum of the emitted spikes s over the steps
            used (a signed spike of -1 counts -1); zeros for an output layer that never spikes.
        total_spikes: (B,) int64, sum of |s| over all populations.
        input_spikes: (B,) int64, spikes of the encoding; 0 with constant current.
        synaptic_operations: (B,) int64, sum of |s| times fan-out over all populations and
            the encoding's input spikes.
        steps_used: (B,) int64, steps simulated: T, T - 1 for ``spytorch``, fewer after an
            early decision.
        spikes: recorded population -> (B, steps, n_l) int8, 0 after ``steps_used``.
        potentials: recorded population -> (B, steps, n_l), the potential at the end of each
            step (after the reset; ``spytorch``: before it), 0 after ``steps_used``.
    """

    @property
    def actions(self) -> NDArray[np.int64]: ...
    @property
    def outputs(self) -> NDArray[np.floating]: ...
    @property
    def q_values(self) -> NDArray[np.float64]: ...
    @property
    def spike_counts(self) -> tuple[NDArray[np.int32], ...]: ...
    @property
    def total_spikes(self) -> NDArray[np.int64]: ...
    @property
    def input_spikes(self) -> NDArray[np.int64]: ...
    @property
    def synaptic_operations(self) -> NDArray[np.int64]: ...
    @property
    def steps_used(self) -> NDArray[np.int64]: ...
    @property
    def spikes(self) -> Mapping[int, NDArray[np.int8]]: ...
    @property
    def potentials(self) -> Mapping[int, NDArray[np.floating]]: ...
