"""Checks of what statistics are taken of."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsqn_fast.errors import OptionError


def checked_values(values: ArrayLike) -> NDArray[np.float64]:
    """``values`` as an array (n,), n >= 1.

    Raises:
        OptionError: They have another shape, there are none, or one is not finite.
    """
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 1 or len(data) == 0:
        raise OptionError(f"statistics need values of shape (n,), n >= 1, not {data.shape}")
    return _finite(data)


def checked_scores(scores: ArrayLike) -> NDArray[np.float64]:
    """``scores`` as an array (runs, tasks); one dimension is the runs of a single task.

    Raises:
        OptionError: They have another shape, there are none, or one is not finite.
    """
    data = np.asarray(scores, dtype=np.float64)
    if data.ndim == 1:
        data = data[:, np.newaxis]
    if data.ndim != 2 or data.size == 0:
        raise OptionError(
            f"scores must have the shape (runs,) or (runs, tasks), none of them 0, not {data.shape}"
        )
    return _finite(data)


def check_confidence(confidence: float) -> None:
    """Refuse a coverage that is no share.

    Raises:
        OptionError: It is not between 0 and 1.
    """
    if not 0.0 < confidence < 1.0:
        raise OptionError(f"confidence must be between 0 and 1, not {confidence}")


def _finite(data: NDArray[np.float64]) -> NDArray[np.float64]:
    if not np.isfinite(data).all():
        raise OptionError("statistics need finite values, but one is NaN or infinite")
    return data
