"""The chip's arithmetic, against hand-computed cases and Python's own integers."""

from __future__ import annotations

import numpy as np
import pytest
from chip_cells import exp_in_fixed, int32
from hypothesis import given
from hypothesis import strategies as st

from dsqn_fast.deploy.spinnaker import arithmetic as chip

INT32 = st.integers(-(2**31), 2**31 - 1)


@pytest.mark.parametrize(
    ("x", "result"),
    [
        # Results of the exponential in IF_curr_delta.aplx of sPyNNaker 1!7.4.1.
        (0, 32768),
        (-1, 32766),
        (-2, 32765),
        (-33, 32734),
        (-327, 32442),
        (-3276, 29650),
        (-32768, 12054),
        (-340695, 1),
        (-340696, 0),
    ],
)
def test_exponential_is_that_of_the_chip(x: int, result: int) -> None:
    assert chip.exponential(x) == result


@given(st.integers(-340695, 1))
def test_exponential_is_below_the_true_one_by_a_step_at_most(x: int) -> None:
    assert -0.04 <= exp_in_fixed(x) - chip.exponential(x) <= 1.04


@pytest.mark.parametrize(
    ("tau_m", "e_tc"),
    [
        (100.0, 32442),
        (20.0, 31170),
        (1000.0, 32735),
        (16384.0, 32765),
        (16385.0, 32766),
        (32768.0, 32766),
    ],
)
def test_decay_of_membranes(tau_m: float, e_tc: int) -> None:
    assert chip.decay(tau_m) == e_tc


def test_no_input_gets_through_above_the_longest_time_constant() -> None:
    assert chip.decay(chip.LONGEST_TAU + 1) == chip.ONE


def test_resistance_is_truncated() -> None:
    assert chip.resistance(100.0, 1.0) == 100 * 2**15
    assert chip.resistance(1.0, 3.0) == 2**15 // 3


def test_one_step_by_hand() -> None:
    # tau_m = 100, cm = 1; 0.5 nA: a = 50, v = 50 - floor(32442 * 50) / 2**15 = 0.4974...
    half = chip.to_fixed(0.5)
    v = chip.update(np.zeros(1, np.int64), np.array([half]), 100 * 2**15, 32442)
    assert v[0] == 50 * 2**15 - (32442 * 50 * 2**15 >> 15)
    # From -1 LSB without input the potential rises by one step: -eTC (0 - v) is floored.
    v = chip.update(np.array([-1]), np.zeros(1, np.int64), 2**15, 32766)
    assert v[0] == 0


@given(v=INT32, current=INT32, r=st.integers(1, 2**31 - 1), e_tc=st.integers(0, 2**15))
def test_update_wraps_like_32_bit_registers(v: int, current: int, r: int, e_tc: int) -> None:
    target = int32(current * r >> 15)
    wanted = int32(target - int32(e_tc * int32(target - v) >> 15))
    assert chip.update(np.array([v]), np.array([current]), r, e_tc)[0] == wanted


@pytest.mark.parametrize(
    ("largest", "p"),
    [(0.0, 0), (0.3, 0), (0.999, 0), (1.0, 1), (1.5, 1), (2.0, 2), (3.66, 2), (8.0, 4)],
)
def test_shifts(largest: float, p: int) -> None:
    assert chip.shift(largest) == p
    assert largest < 2**p


@given(st.floats(2**-20, 2**14))
def test_the_largest_sum_always_fits_15_bits(largest: float) -> None:
    p = chip.shift(largest)
    assert chip.weights_in_16_bits(largest, p) <= 2**15
    assert p == 0 or largest >= 2 ** (p - 1)


def test_weights_are_rounded_half_to_even_and_cut_to_16_bits() -> None:
    held = chip.weights_in_16_bits([0.5 / 2**15, 1.5 / 2**15, -2.5 / 2**15, 2.0], 0)
    assert held.tolist() == [0, 2, 2, 0]


def test_ring_buffers_saturate() -> None:
    assert chip.ring_buffer(np.array([65535, 65536, 10**6]), 2).tolist() == [262140] * 3
