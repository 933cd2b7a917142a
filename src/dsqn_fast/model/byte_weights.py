"""Weights as integers of 8 bits, with a power of two for every output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import ModelError
from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.layers import Array, Connection, Weighted

Bytes = NDArray[np.int8]
LOWEST_EXPONENT = -128
HIGHEST_EXPONENT = 121
"""127 * 2**121 is the largest such number that float32 has."""


def to_bytes(weight: Array) -> tuple[Bytes, list[int]]:
    """Round weights: ``weight ~ values * 2**exponent``.

    The exponent of an output is the smallest with which its largest weight is at most 127, so that
    rounded weights are rounded to themselves.

    Args:
        weight: (..., n_out), finite.

    Returns:
        Values from -127 to 127 of the same shape, and the exponent of each output.

    Raises:
        ModelError: A weight is too large for float32.
    """
    largest = np.abs(weight).max(axis=tuple(range(weight.ndim - 1)), initial=0)
    fraction, power = np.frexp(largest.astype(np.float64))  # fraction from 0.5 to 1
    exponents = np.where(fraction <= 127 / 128, power - 7, power - 6)
    exponents = np.where(largest == 0, 0, np.maximum(exponents, LOWEST_EXPONENT))
    if exponents.max(initial=0) > HIGHEST_EXPONENT:
        raise ModelError(
            f"a weight has the size {largest.max():g}, but int8 ends at "
            f"{127 * 2.0**HIGHEST_EXPONENT:g}: store it with a wider weights_dtype"
        )
    values = np.rint(np.ldexp(weight.astype(np.float64), -exponents)).astype(np.int8)
    return values, [int(exponent) for exponent in exponents]


def from_bytes(values: Bytes, exponents: Sequence[int]) -> Array:
    """``values * 2**exponent`` as float32, exactly.

    Args:
        values: (..., n_out).
        exponents: n_out of them; infinite where float32 does not reach.
    """
    with np.errstate(over="ignore"):
        weight: Array = np.ldexp(values.astype(np.float32), np.array(exponents, np.int32))
    return weight


def with_byte_weights(ann: AnnModel) -> AnnModel:
    """The network with its weights rounded, as float32.

    Raises:
        ModelError: A weight is too large for float32.
    """
    return replace(ann, layers=tuple(map(_rounded, ann.layers)))


def _rounded(layer: Connection) -> Connection:
    if not isinstance(layer, Weighted):
        return layer
    return replace(layer, weight=from_bytes(*to_bytes(layer.weight)))
