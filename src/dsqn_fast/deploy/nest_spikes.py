"""Spikes that NEST recorded, sorted by decision, step and neuron."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class SpikeReader:
    """Spikes of all populations.

    Args:
        batch: B.
        sizes: Neurons of each population.
        n_steps: T.
        record: Whether the spikes of every step are kept.
    """

    def __init__(self, batch: int, sizes: list[int], n_steps: int, record: bool) -> None:
        self._counts = [np.zeros((batch, size), np.int32) for size in sizes]
        self._trains: list[NDArray[np.int8]] = []
        if record:
            self._trains = [np.zeros((batch, n_steps, size), np.int8) for size in sizes]
        self._sizes, self._steps = sizes, n_steps

    def add(
        self,
        events: dict[str, Any],
        nodes: Any,
        index: int,
        *,
        origin: float,
        first: int,
        count: int,
    ) -> None:
        """Take in the spikes of one population.

        Args:
            events: What a spike recorder holds.
            nodes: All copies of the population.
            index: Which population.
            origin: Time in ms at which its first step begins.
            first: Decision of the first copy.
            count: Copies that stand for decisions.
        """
        begin, size = nodes[0].global_id, self._sizes[index]
        place = events["senders"] - begin
        # Step t ends at origin + t; within it there may be updates at fractions.
        step = np.ceil(events["times"] - origin - 1e-6).astype(np.int64)
        real = (place >= 0) & (place < count * size) & (step >= 1) & (step <= self._steps)
        decision, neuron = first + place[real] // size, place[real] % size
        np.add.at(self._counts[index], (decision, neuron), 1)
        if self._trains:
            np.add.at(self._trains[index], (decision, step[real] - 1, neuron), 1)

    def counts(self) -> tuple[NDArray[np.int32], ...]:
        """Per population (B, n_l)."""
        return tuple(self._counts)

    def trains(self) -> dict[int, NDArray[np.int8]]:
        """Population -> (B, T, n_l), where they are kept."""
        return dict(enumerate(self._trains))
