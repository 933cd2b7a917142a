"""What a policy is shown of a game's frames: the named views of Atari's literature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.image_resize import resize_area

ATARI_FRAME: Final = (210, 160)
"""Rows and columns of a frame of the Atari 2600."""

Grey = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class FrameView:
    """How the last frames become one observation.

    Attributes:
        shrink: One grey frame of `ATARI_FRAME` as the picture that is remembered.
        combine: The last ``frames`` pictures, oldest first, as the observation.
        picture: Rows and columns of a remembered picture.
        frames: Pictures that an observation is made of.
        shape: Shape of the observation, (channels, height, width).
        dtype: Its type.
        largest: Its largest value.
        step: What its values are whole multiples of.
        flicker: Each frame is the pixelwise maximum of the last two, because the console
            draws some things on every other frame only.
    """

    shrink: Callable[[Grey], Grey]
    combine: Callable[[NDArray[np.uint8]], NDArray[Any]]
    picture: tuple[int, int]
    frames: int
    shape: tuple[int, int, int]
    dtype: type[np.generic]
    largest: float
    flicker: bool
    step: float = 1.0


def _to_84(frame: Grey) -> Grey:
    return resize_area(frame, 84, 84)


def _to_84_binary(frame: Grey) -> Grey:
    return (_to_84(frame) > 0).astype(np.uint8)


def _to_80_binary(frame: Grey) -> Grey:
    """Rows 34 to 193 without score and lives, every other row and column, 1 where not black."""
    return (frame[34:194:2, ::2] > 0).astype(np.uint8)


_FADING: Final = np.array([0.25, 0.5, 0.75, 1.0], np.float32)


def _fade(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """I = F[t] + 0.75 F[t-1] + 0.5 F[t-2] + 0.25 F[t-3], (4, 80, 80) -> (1, 80, 80)."""
    faded: NDArray[np.float32] = np.tensordot(_FADING, pictures.astype(np.float32), 1)
    return faded[np.newaxis]


VIEWS: Final = MappingProxyType(
    {
        "mnih": FrameView(
            shrink=_to_84,
            combine=np.copy,
            picture=(84, 84),
            frames=4,
            shape=(4, 84, 84),
            dtype=np.uint8,
            largest=255,
            flicker=True,
        ),
        "mnih-binary": FrameView(
            shrink=_to_84_binary,
            combine=np.copy,
            picture=(84, 84),
            frames=4,
            shape=(4, 84, 84),
            dtype=np.uint8,
            largest=1,
            flicker=True,
        ),
        "patel": FrameView(
            shrink=_to_80_binary,
            combine=_fade,
            picture=(80, 80),
            frames=4,
            shape=(1, 80, 80),
            dtype=np.float32,
            largest=2.5,
            flicker=False,
            step=0.25,
        ),
    }
)
"""Name -> view.

``mnih``: 84 x 84 grey, the last 4 (Mnih et al., Human-level control through deep reinforcement
learning, 2015). ``mnih-binary``: the same, 1 where not black. ``patel``: the score cut off,
80 x 80 of 0 and 1, the last 4 fading into one (Patel et al., Improved robustness of reinforcement
learning policies upon conversion to spiking neuronal network platforms, 2019).
"""
