"""Reset by subtraction on a cell that resets to a constant: several cells for one neuron.

`IF_curr_delta` sets v = v_reset at a spike and so loses the part of the potential above the
threshold. No synapse from the cell to itself can bring it back: the cell has forgotten it, and
an input of -theta in the next step is the same as another v_reset.

Cells that never come back do it: cell k of a neuron sees the same input, has the threshold
k * theta, and spikes once, because its refractory time outlasts the decision. Together they spike
once for every theta that the summed input has grown beyond its earlier maximum. That is a neuron
with reset by subtraction, but one that catches up at once where it owes several spikes in a step
(``burst``). With T cells it spikes at most T times in all, as a neuron of one spike per step does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.engine import Engine
from dsqn_fast.model.options import MAX_BURST
from dsqn_fast.model.spiking import SpikingModel

SPARE: Final = 1.5
"""Cells of one neuron, as a multiple of the most spikes that it was seen to make."""
FEWEST: Final = 0.25
"""Cells of one neuron, as a share of T, however few spikes it was seen to make."""
LEARNED_FROM: Final = 2**25
"""Most (decision, step, neuron) that copies are counted on."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Copies:
    """Cells per neuron.

    Attributes:
        cells: Per population (n_l,) number of cells of each neuron; 1 for the output population
            of decoding ``potential``.
        at_once: Per population, most cells of one neuron that spike in the same step.
    """

    cells: tuple[NDArray[np.int64], ...]
    at_once: tuple[int, ...]


def count_copies(model: SpikingModel, observations: NDArray[Any] | None, *, n_steps: int) -> Copies:
    """Cells that a policy's neurons need.

    Args:
        model: The policy.
        observations: (B, *input_shape), float64, channels last: decisions to count spikes on;
            None for as many cells as there are steps.
        n_steps: T.
    """
    if observations is None or not len(observations):
        sizes = [np.prod(shape) for shape in _population_shapes(model)]
        cells = [np.full(int(size), most_spikes(model, n_steps), np.int64) for size in sizes]
        return _with_quiet_output(model, cells, [2] * len(cells))
    neurons = sum(int(np.prod(shape)) for shape in _population_shapes(model))
    few = observations[: max(1, LEARNED_FROM // (neurons * n_steps))]
    result = Engine(_catching_up(model, n_steps), precision="float64").run(few, record="all")
    limits = (n_steps * FEWEST, most_spikes(model, n_steps))
    cells = [
        np.ceil(np.clip(counts.max(axis=0) * SPARE, *limits)).astype(np.int64)
        for counts in result.spike_counts
    ]
    at_once = [max(1, int(result.spikes[i].max())) for i in range(len(cells))]
    return _with_quiet_output(model, cells, at_once)


def most_spikes(model: SpikingModel, n_steps: int) -> int:
    """Spikes that a neuron of the policy can make in a decision."""
    return n_steps * (model.neuron.burst_limit if model.neuron.spikes == "burst" else 1)


def _catching_up(model: SpikingModel, n_steps: int) -> SpikingModel:
    neuron = replace(model.neuron, reset="subtraction", spikes="burst", burst_limit=MAX_BURST)
    return model.replace(
        neuron=neuron, timing="nest", n_steps=n_steps, channels_first=False, source=None
    )


def _with_quiet_output(
    model: SpikingModel, cells: list[NDArray[np.int64]], at_once: list[int]
) -> Copies:
    if model.decoding == "potential":
        cells[-1] = np.ones_like(cells[-1])
    return Copies(cells=tuple(cells), at_once=tuple(at_once))


def _population_shapes(model: SpikingModel) -> list[tuple[int, ...]]:
    pairs = zip(model.layers, model.shapes()[1:], strict=True)
    return [shape for layer, shape in pairs if hasattr(layer, "threshold")]
