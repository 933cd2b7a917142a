"""Decisions that a pupil learns from, a byte per pixel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from dsqn_fast.frame_views import FrameView

STEADY_SHARE: Final = 0.99
"""Share of the states in which a pixel must be the same to be no input any more."""
STEADY_STATES: Final = 10_000
"""States, about, that this is judged by."""


class ImitationMemory:
    """What was seen, and what the teacher's outputs were.

    Args:
        view: What is seen; kept as whole multiples of its ``step``.
        n_outputs: Outputs of the teacher.
        capacity: Most decisions that are kept; later ones replace the oldest.
    """

    def __init__(self, view: FrameView, n_outputs: int, capacity: int) -> None:
        self.step = view.step
        self.size = 0
        self._next = 0
        self._states = np.empty((capacity, int(np.prod(view.shape))), np.uint8)
        self._targets = np.empty((capacity, n_outputs), np.float32)
        self.ever_on = np.zeros(self._states.shape[1], bool)
        """Inputs that were not zero in at least one state, also in those that were replaced."""

    def add(self, states: NDArray[np.floating], targets: NDArray[np.floating]) -> None:
        """Keep decisions.

        Args:
            states: (B, n_inputs), multiples of the view's step.
            targets: (B, n_outputs).
        """
        multiples = np.rint(states / np.float32(self.step)).astype(np.uint8)
        rows = (self._next + np.arange(len(states))) % len(self._states)
        self._states[rows] = multiples
        self._targets[rows] = targets
        self.ever_on |= multiples.any(axis=0)
        self._next = int(rows[-1] + 1) % len(self._states)
        self.size = min(self.size + len(states), len(self._states))

    def steady(self) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Which lit inputs are the same in `STEADY_SHARE` of the states; all usual values.

        A dark pixel is none: what passes over it in few states is what matters.
        """
        spacing = max(1, self.size // STEADY_STATES)
        states = self._states[: self.size : spacing]
        usual = np.median(states, axis=0)
        shares = (states == usual).mean(axis=0)
        return (shares >= STEADY_SHARE) & (usual > 0), (usual * self.step).astype(np.float32)

    def minibatches(
        self, size: int, rng: np.random.Generator
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """All decisions once, in random order: (b, n_inputs) states and (b, n_outputs) targets.

        Args:
            size: Decisions in each minibatch, about.
            rng: Order.
        """
        pieces = max(1, self.size // size)
        for rows in np.array_split(rng.permutation(self.size), pieces):
            yield self.states(rows), torch.from_numpy(self._targets[rows])

    def moments(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation of every input over the states: (n_inputs,) float32."""
        known = self._states[: self.size]
        mean, deviation = known.mean(axis=0), known.std(axis=0, dtype=np.float32)
        return (
            torch.from_numpy((mean * self.step).astype(np.float32)),
            torch.from_numpy(deviation * np.float32(self.step)),
        )

    def latest(self, count: int) -> torch.Tensor:
        """The last states that were added, newest first: (b, n_inputs) float32."""
        rows = (self._next - 1 - np.arange(min(count, self.size))) % len(self._states)
        return self.states(rows)

    def states(self, rows: NDArray[np.intp]) -> torch.Tensor:
        """States of some rows, (b, n_inputs) float32."""
        return torch.from_numpy(self._states[rows]).float() * self.step
