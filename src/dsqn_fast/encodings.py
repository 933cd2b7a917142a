"""Observations as spikes: Poisson and equidistant encoding, in NumPy.

Encoded input spikes are signed: e[t] in {-1, 0, 1} with the sign of the observation. That is
the same as two input neurons per value, the second with weights -W.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.model.options import Encoding
from dsqn_fast.philox import philox4x32

Floats = NDArray[np.floating]
Spikes = NDArray[np.int8]


def poisson_spikes(
    observations: Floats, n_steps: int, *, seed: int, decisions: NDArray[np.uint64]
) -> Spikes:
    """Input spikes (B, n_steps, n): at each step, input i spikes with probability |x_i|.

    ::

        e_i[t] = sign(x_i)  where  u < floor(2**32 * min(|x_i|, 1)),  else 0
        u = word (t - 1) % 4 of Philox4x32-10(counter = (i, (t - 1) // 4, decision low 32
            bits, decision high 32 bits), key = seed as two 32-bit words)

    Args:
        observations: (B, n), float32 or float64.
        n_steps: Number of steps t = 1 ... n_steps.
        seed: 0 <= seed < 2**64.
        decisions: (B,) index of each decision, which keys its noise.
    """
    batch, width = observations.shape
    limit = np.floor(np.minimum(np.abs(observations.astype(np.float64)), 1.0) * 2.0**32)
    blocks = (n_steps + 3) // 4
    counter = np.zeros((batch, blocks, width, 4), np.uint32)
    counter[..., 0] = np.arange(width, dtype=np.uint32)
    counter[..., 1] = np.arange(blocks, dtype=np.uint32)[:, np.newaxis]
    counter[..., 2] = (decisions & np.uint64(0xFFFFFFFF))[:, np.newaxis, np.newaxis]
    counter[..., 3] = (decisions >> np.uint64(32))[:, np.newaxis, np.newaxis]
    words = philox4x32(counter, (seed & 0xFFFFFFFF, seed >> 32))
    uniform = words.transpose(0, 1, 3, 2).reshape(batch, blocks * 4, width)[:, :n_steps]
    fired = uniform.astype(np.float64) < limit[:, np.newaxis]
    return fired * np.sign(observations).astype(np.int8)[:, np.newaxis]


def equidistant_spikes(observations: Floats, n_steps: int) -> Spikes:
    """Input spikes (B, n_steps, n) at regular distances.

    ::

        e_i[t] = sign(x_i)  where  t = rint(k / min(|x_i|, 1)) for some k = 1, 2, ...

    ``rint`` rounds half to even, in float64.

    Args:
        observations: (B, n), float32 or float64.
        n_steps: Number of steps t = 1 ... n_steps.
    """
    rate = np.minimum(np.abs(observations.astype(np.float64)), 1.0)[:, np.newaxis]
    index = np.arange(1, n_steps + 1, dtype=np.float64)[np.newaxis, :, np.newaxis]
    with np.errstate(divide="ignore", over="ignore"):
        when = np.rint(index / rate)
    spikes = np.zeros((len(observations), n_steps, observations.shape[1]), np.int8)
    row, _, column = (inside := np.nonzero(when <= n_steps))
    spikes[row, when[inside].astype(np.int64) - 1, column] = 1
    return spikes * np.sign(observations).astype(np.int8)[:, np.newaxis]


def encode(
    encoding: Encoding,
    observations: Floats,
    n_steps: int,
    *,
    seed: int,
    decisions: NDArray[np.uint64],
) -> Spikes:
    """Input spikes (B, n_steps, n) of a spiking encoding; `poisson` or `equidistant`."""
    if encoding == "poisson":
        return poisson_spikes(observations, n_steps, seed=seed, decisions=decisions)
    return equidistant_spikes(observations, n_steps)
