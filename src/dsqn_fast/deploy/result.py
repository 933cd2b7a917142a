"""A target's run with the meaning of the engine's result."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.connectivity import fan_out
from dsqn_fast.decodings import decode
from dsqn_fast.deploy.target import TargetRun
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.run_options import expand_output_neurons


class TargetResult:
    """A `dsqn_fast.results.SimulationResult` of a target; potentials of steps are not recorded.

    Args:
        model: The counterpart's model.
        run: What the target computed.
        n_steps: T.
        input_spikes: (B, n) spikes of the encoding per input, or None with constant current.
    """

    def __init__(
        self,
        model: SpikingModel,
        run: TargetRun,
        *,
        n_steps: int,
        input_spikes: NDArray[np.int64] | None = None,
    ) -> None:
        self.run = run
        self.spike_counts = run.spike_counts
        self.final_potentials = run.potentials
        batch = len(run.potentials)
        steps = n_steps - 1 if model.timing == "spytorch" else n_steps
        self.steps_used: NDArray[np.int64] = np.full(batch, steps, np.int64)
        expanded = expand_output_neurons(model)
        decoded = decode(
            expanded,
            expanded.populations[-1],
            run.potentials,
            run.spike_counts[-1],
            n_steps=n_steps,
            steps_used=self.steps_used,
        )
        self.actions, self.outputs, self.q_values = (
            decoded.actions,
            decoded.outputs,
            decoded.q_values,
        )
        fans = fan_out(expanded)
        counts = [counts.astype(np.int64) for counts in run.spike_counts]
        inputs = np.zeros((batch, len(fans[0])), np.int64) if input_spikes is None else input_spikes
        self.total_spikes: NDArray[np.int64] = sum(
            (one.sum(axis=1) for one in counts), np.zeros(batch, np.int64)
        )
        self.input_spikes: NDArray[np.int64] = inputs.sum(axis=1)
        self.synaptic_operations: NDArray[np.int64] = sum(
            (one @ fan for one, fan in zip([inputs, *counts], fans, strict=True)),
            np.zeros(batch, np.int64),
        )

    @property
    def spikes(self) -> Mapping[int, NDArray[np.int8]]:
        """Population -> (B, T, n_l) spikes, where they were recorded."""
        return self.run.spikes

    @property
    def potentials(self) -> Mapping[int, NDArray[np.float64]]:
        """Empty: targets give their final output potentials only."""
        return {}
