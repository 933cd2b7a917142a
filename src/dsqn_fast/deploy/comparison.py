"""A target and the engine on the same observations, neuron by neuron."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Where two simulations part: the earliest step, and in it the first population.

    Attributes:
        decision: Which observation, from 0.
        layer: Population, from 1; the output population is the last.
        step: Time step, from 1.
        neuron: From 0.
        ours: Spike of the engine, 0 or 1 (or the number of a burst).
        theirs: Spike of the target.
    """

    decision: int
    layer: int
    step: int
    neuron: int
    ours: int
    theirs: int


@dataclass(frozen=True, kw_only=True)
class LayerComparison:
    """One population over all decisions.

    Attributes:
        neurons: Its size.
        ours: Spikes of the engine.
        theirs: Spikes of the target.
        mismatches: (decision, step, neuron) with different spikes.
        counts_differ: (decision, neuron) with different spike counts.
        largest_count_difference: Largest difference of a spike count.
    """

    neurons: int
    ours: int
    theirs: int
    mismatches: int
    counts_differ: int
    largest_count_difference: int


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Everything compared; sums over all decisions.

    Attributes:
        decisions: Number of decisions.
        layers: One entry per population.
        potentials_differ: Output potentials that are not equal to the last bit.
        largest_potential_difference: In units of the potential.
        equal_actions: Decisions with the same action.
        first_difference: Where the spikes part first, or None.
    """

    decisions: int
    layers: tuple[LayerComparison, ...]
    potentials_differ: int
    largest_potential_difference: float
    equal_actions: int
    first_difference: Difference | None

    @property
    def spike_mismatches(self) -> int:
        """(decision, step, neuron) with different spikes, in all populations."""
        return sum(layer.mismatches for layer in self.layers)

    @property
    def same_spikes(self) -> bool:
        """Whether every neuron spiked in the same steps."""
        return self.first_difference is None

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; a potential that is infinite or no number makes the difference None."""
        gap = self.largest_potential_difference
        return {
            **asdict(self),
            "layers": [asdict(layer) for layer in self.layers],
            "largest_potential_difference": gap if np.isfinite(gap) else None,
            "spike_mismatches": self.spike_mismatches,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Side:
    """What one simulator did in a batch of decisions.

    Attributes:
        spikes: Population -> (B, T, n_l) spikes.
        potentials: (B, n_out) final potentials of the output population.
        actions: (B,).
    """

    spikes: dict[int, NDArray[np.int8]]
    potentials: NDArray[np.floating]
    actions: NDArray[np.int64]


def compare(ours: Side, theirs: Side, *, first_decision: int = 0) -> Comparison:
    """Compare a batch of decisions; ``first_decision`` is the index of its first one."""
    layers, differences = [], []
    for index in sorted(ours.spikes):
        mine, other = ours.spikes[index], theirs.spikes[index]
        layers.append(_layer(mine, other))
        found = _first_difference(mine, other, index, first_decision)
        if found is not None:
            differences.append(found)
    unequal = ~_same(ours.potentials, theirs.potentials)
    gap = np.abs(ours.potentials - theirs.potentials)[unequal]
    return Comparison(
        decisions=len(ours.actions),
        layers=tuple(layers),
        potentials_differ=int(unequal.sum()),
        largest_potential_difference=float(gap.max(initial=0.0)),
        equal_actions=int((ours.actions == theirs.actions).sum()),
        first_difference=_earliest(differences),
    )


def join(parts: Sequence[Comparison]) -> Comparison:
    """The comparison of several batches; at least one."""
    layers = [
        LayerComparison(
            neurons=same[0].neurons,
            ours=sum(layer.ours for layer in same),
            theirs=sum(layer.theirs for layer in same),
            mismatches=sum(layer.mismatches for layer in same),
            counts_differ=sum(layer.counts_differ for layer in same),
            largest_count_difference=max(layer.largest_count_difference for layer in same),
        )
        for same in zip(*(part.layers for part in parts), strict=True)
    ]
    return Comparison(
        decisions=sum(part.decisions for part in parts),
        layers=tuple(layers),
        potentials_differ=sum(part.potentials_differ for part in parts),
        largest_potential_difference=max(part.largest_potential_difference for part in parts),
        equal_actions=sum(part.equal_actions for part in parts),
        first_difference=_earliest(
            [part.first_difference for part in parts if part.first_difference is not None]
        ),
    )


def _layer(mine: NDArray[np.int8], other: NDArray[np.int8]) -> LayerComparison:
    counts = [spikes.sum(axis=1, dtype=np.int64) for spikes in (mine, other)]
    gap = np.abs(counts[0] - counts[1])
    return LayerComparison(
        neurons=mine.shape[2],
        ours=int(counts[0].sum()),
        theirs=int(counts[1].sum()),
        mismatches=int((mine != other).sum()),
        counts_differ=int((gap > 0).sum()),
        largest_count_difference=int(gap.max(initial=0)),
    )


def _first_difference(
    mine: NDArray[np.int8], other: NDArray[np.int8], index: int, first_decision: int
) -> Difference | None:
    where = np.argwhere((mine != other).transpose(1, 0, 2))
    if not len(where):
        return None
    step, decision, neuron = (int(i) for i in where[0])
    return Difference(
        decision=first_decision + decision,
        layer=index + 1,
        step=step + 1,
        neuron=neuron,
        ours=int(mine[decision, step, neuron]),
        theirs=int(other[decision, step, neuron]),
    )


def _earliest(differences: Sequence[Difference]) -> Difference | None:
    return min(differences, key=lambda d: (d.step, d.layer, d.decision), default=None)


def _same(ours: NDArray[np.floating], theirs: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Equal to the last bit; NaN equals NaN."""
    same: NDArray[np.bool_] = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    return same
