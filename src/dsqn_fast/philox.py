"""Philox4x32-10, the counter-based random numbers of Poisson encoding, in NumPy.

Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3 (SC 2011). A number
depends on its counter and key only, so that any batch split, thread count or instruction set
draws the same ones. The C++ twin is `cpp/include/dsqn/philox.hpp`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_MULTIPLIERS: Final = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL: Final = (0x9E3779B9, 0xBB67AE85)
_LOW: Final = np.uint64(0xFFFFFFFF)
_HALF: Final = np.uint64(32)


def philox4x32(counter: NDArray[np.uint32], key: tuple[int, int]) -> NDArray[np.uint32]:
    """Four random words for each counter.

    Args:
        counter: (..., 4) uint32.
        key: Two 32-bit words.

    Returns:
        (..., 4) uint32, uniform over all values.
    """
    words = [counter[..., i].astype(np.uint64) for i in range(4)]
    low, high = key
    for _ in range(10):
        first, second = _MULTIPLIERS[0] * words[0], _MULTIPLIERS[1] * words[2]
        words = [
            (second >> _HALF) ^ words[1] ^ np.uint64(low),
            second & _LOW,
            (first >> _HALF) ^ words[3] ^ np.uint64(high),
            first & _LOW,
        ]
        low, high = (low + _WEYL[0]) & 0xFFFFFFFF, (high + _WEYL[1]) & 0xFFFFFFFF
    return np.stack(words, axis=-1).astype(np.uint32)
