"""Q-values of a quantile network: the mean over quantiles is linear in the last layer's weights."""

from __future__ import annotations

import numpy as np

from dsqn_fast.importers.operations import Linear


def mean_over_quantiles(last: Linear, n_actions: int) -> Linear:
    """The last layer with one output per action.

    Args:
        last: Outputs are (n_quantiles, n_actions), row by row.
        n_actions: Number of actions, which divides the number of outputs.
    """
    shape = (last.weight.shape[0] // n_actions, n_actions)
    weight = last.weight.reshape(*shape, -1).mean(axis=0, dtype=np.float64)
    bias = None
    if last.bias is not None:
        bias = last.bias.reshape(shape).mean(axis=0, dtype=np.float64).astype(last.bias.dtype)
    return Linear(name=last.name, weight=weight.astype(last.weight.dtype), bias=bias)
