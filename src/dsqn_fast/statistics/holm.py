"""Several tests at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsqn_fast.errors import OptionError
from dsqn_fast.statistics.checks import checked_values


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """p-values adjusted for their number, so that one limit holds for all of them together.

    The smallest of m is multiplied by m, the next by m - 1 and so on; none is below one before
    it, none above 1 (S. Holm, "A simple sequentially rejective multiple test procedure",
    Scandinavian Journal of Statistics 1979).

    Args:
        p_values: (m,) each from 0 to 1.

    Returns:
        (m,) adjusted values in the order of ``p_values``.

    Raises:
        OptionError: There are none, or one is no probability.
    """
    data = checked_values(p_values)
    if (data < 0).any() or (data > 1).any():
        raise OptionError(f"p-values must be from 0 to 1, not {data[(data < 0) | (data > 1)][0]}")
    order = np.argsort(data, kind="stable")
    factors = np.arange(len(data), 0, -1)
    adjusted = np.empty_like(data)
    adjusted[order] = np.minimum(np.maximum.accumulate(data[order] * factors), 1.0)
    return adjusted
