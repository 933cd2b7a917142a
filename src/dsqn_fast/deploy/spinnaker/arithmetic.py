"""The arithmetic of sPyNNaker's `IF_curr_delta`, in integers.

Numbers are s16.15: an int32 r stands for r / 2**15. Products are floored, and whatever leaves 32
bits wraps around::

    a * b = (a b) >> 15

    R   = tau_m / cm                           truncated
    eTC = expk(-(dt / tau_m))                  dt / tau_m truncated; see `exponential`
    I   = exc - inh + i_offset                 every step, refractory or not is not used here
    a   = I * R                                v_rest = 0
    v   = a - eTC * (a - v)
    spike where v >= v_thresh, then v = v_reset

A synapse type (excitatory, inhibitory) has a shift p and 16-bit weights; the weights of the
spikes of one step are added up in 16 bits, saturating, and act in the next step::

    p   = smallest p >= 0 with  2**p > largest sum of weights of one step
    w16 = rint(|w| * 2**(15 - p))
    exc = min(sum of w16, 2**16 - 1) << p

Found in sPyNNaker 1!7.4.1 and checked against the program that it loads onto the chip,
IF_curr_delta.aplx, whose instructions were run under an emulator of the processor.
Emulated: never measured on a board.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Integers = NDArray[np.int64]
ONE: Final = 2**15
LARGEST: Final = 2**31 - 1
LARGEST_WEIGHT: Final = 2**16 - 1
LARGEST_SHIFT: Final = 16
SMALLEST_EXPONENT: Final = -340695
"""Below it (-10.397) the chip's exponential is 0."""
LONGEST_TAU: Final = 2.0**15
"""Above it dt / tau_m is 0 for dt = 1 ms, and no input reaches the potential any more."""


def to_fixed(values: ArrayLike) -> Integers:
    """``values`` in s16.15, rounded half to even as sPyNNaker does; not limited to 32 bits."""
    return np.round(np.asarray(values, np.float64) * ONE).astype(np.int64)


def from_fixed(integers: ArrayLike) -> NDArray[np.float64]:
    """What s16.15 integers stand for."""
    return np.asarray(integers) / ONE


def wrapped(values: ArrayLike) -> Integers:
    """The lowest 32 bits, with sign: what an int32 register holds."""
    return (np.asarray(values, np.int64) + 2**31) % 2**32 - 2**31


def product(a: ArrayLike, b: ArrayLike) -> Integers:
    """s16.15 product of two int32: floored, wrapped."""
    return wrapped((np.asarray(a, np.int64) * np.asarray(b, np.int64)) >> 15)


def quotient(a: int, b: int) -> int:
    """s16.15 quotient of two positive int32, truncated."""
    return (a << 15) // b


def exponential(x: int) -> int:
    """``exp(x)`` for s16.15 ``x`` <= 0 as the chip computes it, in s16.15.

    With x = n + 1 - j / 16 - z, n an integer, j of 4 bits and z of 11 bits::

        e = rint(exp(n + 1) 2**32)
        e = e - e * rint((1 - exp(-j / 16)) 2**32)
        e = e - e * (c0 + z (c1 - c2 z)) 2**32               z in 2**-32

    and the result is floored. Low halves of products are rounded, high halves kept.
    """
    if x < SMALLEST_EXPONENT:
        return 0
    whole, fraction = x >> 15, x & (ONE - 1)
    if fraction == 0:
        return _power(whole) >> 17
    missing = ONE - fraction
    value = _lessened(_power(whole + 1), _share(missing >> 11))
    z = (missing & 0x7FF) << 17
    slope = (0xFFE89D60 - (z * 0x7C130FE0 >> 32)) & 0xFFFFFFFF
    return _lessened(value, (z * slope >> 32) + 0x14AE) >> 17


def _power(n: int) -> int:
    return round(math.exp(n) * 2**32)


def _share(sixteenths: int) -> int:
    return round(-math.expm1(-sixteenths / 16) * 2**32)


def _lessened(value: int, share: int) -> int:
    """``value * (1 - share / 2**32)`` with 32-bit halves multiplied apart."""
    low, high = (value & 0xFFFFFFFF) * share, (value >> 32) * share
    return value - high - (low >> 32) - int((low & 0xFFFFFFFF) > 0x7FFFFFFE)


def decay(tau_m: float) -> int:
    """ETC for ``tau_m`` in ms and steps of 1 ms."""
    return exponential(-quotient(ONE, int(to_fixed(tau_m))))


def resistance(tau_m: float, cm: float) -> int:
    """R in s16.15 for ``tau_m`` in ms and ``cm`` in nF."""
    return quotient(int(to_fixed(tau_m)), int(to_fixed(cm)))


def update(v: Integers, current: Integers, r: int, e_tc: int) -> Integers:
    """Potential after one step in which ``current`` (int32, wrapped) flows."""
    target = product(current, r)
    return wrapped(target - product(e_tc, wrapped(target - v)))


def shift(largest_sum: float) -> int:
    """P for the largest sum of weights (in nA, of one synapse type) that may arrive in a step."""
    if largest_sum <= 0:
        return 0
    power = math.ceil(max(0.0, math.log2(largest_sum)))
    return power + 1 if 2**power <= largest_sum else power


def weights_in_16_bits(weights: ArrayLike, p: int) -> Integers:
    """rint(|w| 2**(15 - p)), of which the tool chain keeps the lowest 16 bits."""
    scaled = np.rint(np.abs(np.asarray(weights, np.float64)) * 2.0 ** (15 - p))
    return scaled.astype(np.int64) & LARGEST_WEIGHT


def ring_buffer(sums: NDArray[Any], p: int) -> Integers:
    """s16.15 input of one step from the sums of arriving 16-bit weights."""
    return np.minimum(np.asarray(sums, np.int64), LARGEST_WEIGHT) << p
