"""A game that a teacher sees in one view and its pupil in another, at the same time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.atari_game import AtariGame
from dsqn_fast.frame_views import VIEWS


class TwoViews(AtariGame):
    """`AtariGame` in the teacher's view, which also remembers the pupil's view.

    Args:
        env: As of `AtariGame`.
        view: The teacher's.
        pupil_view: The pupil's, see `VIEWS`.
        unit: Whether the teacher's observations are from 0 to 1.
    """

    def __init__(self, env: Any, *, view: str, pupil_view: str, unit: bool) -> None:
        super().__init__(env, view=view, unit=unit)
        self._pupil = VIEWS[pupil_view]
        self._pupil_pictures = np.zeros((self._pupil.frames, *self._pupil.picture), np.uint8)

    @property
    def pupil_observation(self) -> NDArray[Any]:
        """What the pupil would see now."""
        return self._pupil.combine(self._pupil_pictures)

    def reset(self, **options: Any) -> tuple[NDArray[Any], dict[str, Any]]:
        """Begin a game; nothing of the one before is seen."""
        self._pupil_pictures[:] = 0
        return super().reset(**options)

    def _remember(self, frame: NDArray[Any], before: NDArray[Any]) -> None:
        super()._remember(frame, before)
        seen = np.maximum(frame, before) if self._pupil.flicker else frame
        self._pupil_pictures[:-1] = self._pupil_pictures[1:]
        self._pupil_pictures[-1] = self._pupil.shrink(seen)
