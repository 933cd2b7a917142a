"""Poisson and equidistant encoding: known answers, statistics, brute force and the C++ twin."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from simulators import SIMULATORS, dense_model

from dsqn_fast.encodings import encode, equidistant_spikes, poisson_spikes
from dsqn_fast.engine import encode_observations
from dsqn_fast.errors import ObservationError, OptionError
from dsqn_fast.model import SpikingModel
from dsqn_fast.philox import philox4x32

# Counter, key and result of Philox4x32-10, from the known answers of the Random123 library.
KNOWN_ANSWERS = [
    (
        "00000000 00000000 00000000 00000000",
        "00000000 00000000",
        "6627e8d5 e169c58d bc57ac4c 9b00dbd8",
    ),
    (
        "ffffffff ffffffff ffffffff ffffffff",
        "ffffffff ffffffff",
        "408f276d 41c83b0e a20bc7c6 6d5451fd",
    ),
    (
        "243f6a88 85a308d3 13198a2e 03707344",
        "a4093822 299f31d0",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


def words(text: str) -> list[int]:
    """Hexadecimal words as integers."""
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "wanted"), KNOWN_ANSWERS)
def test_philox_known_answers(counter: str, key: str, wanted: str) -> None:
    low, high = words(key)
    found = philox4x32(np.array(words(counter), np.uint32), (low, high))
    assert found.tolist() == words(wanted)


def test_philox_takes_counters_of_any_shape() -> None:
    counters = np.random.default_rng(0).integers(0, 2**32, (3, 0, 4), np.uint32)
    assert philox4x32(counters, (1, 2)).shape == (3, 0, 4)
    counters = np.random.default_rng(0).integers(0, 2**32, (3, 5, 4), np.uint32)
    found = philox4x32(counters, (1, 2))
    np.testing.assert_array_equal(found[2, 4], philox4x32(counters[2, 4], (1, 2)))


def decisions(n: int, first: int = 0) -> NDArray[np.uint64]:
    """Indices that count up from ``first``."""
    return np.uint64(first) + np.arange(n, dtype=np.uint64)


def test_poisson_spikes_follow_their_equation() -> None:
    observations = np.array([[0.25, -0.5, 2.0], [1.0, 0.0, 2.0**-32]])
    seed, first, n_steps = 2**63 + 5, 2**32 + 7, 9
    found = poisson_spikes(observations, n_steps, seed=seed, decisions=decisions(2, first))
    for row, step, i in np.ndindex(2, n_steps, 3):
        x = float(observations[row, i])
        decision = first + row
        counter = [i, step // 4, decision & 0xFFFFFFFF, decision >> 32]
        drawn = philox4x32(np.array(counter, np.uint32), (seed & 0xFFFFFFFF, seed >> 32))
        fires = int(drawn[step % 4]) < math.floor(2**32 * min(abs(x), 1.0))
        assert found[row, step, i] == np.sign(x) * fires


def test_poisson_rates_and_independence() -> None:
    rates = np.array([0.0, 0.05, -0.3, 0.5, -0.9, 0.999, 1.0, -4.0])
    n_steps, batch = 2000, 50
    spikes = poisson_spikes(
        np.tile(rates, (batch, 1)), n_steps, seed=1, decisions=decisions(batch)
    ).astype(np.int64)
    assert (np.sign(rates) * spikes >= 0).all()
    counts = np.abs(spikes).sum(axis=(0, 1))
    for count, rate in zip(counts, np.minimum(np.abs(rates), 1), strict=True):
        assert stats.binomtest(int(count), n_steps * batch, float(rate)).pvalue > 1e-4
    # Steps, inputs and decisions do not depend on each other.
    half = spikes[:, :, 3] - 0.5
    limit = 5 / math.sqrt(n_steps * batch) / 4
    assert abs((half[:, 1:] * half[:, :-1]).mean()) < limit
    assert abs((half[1:] * half[:-1]).mean()) < limit
    assert abs((half * (np.abs(spikes[:, :, 2]) - 0.3)).mean()) < limit


def test_seed_and_decision_key_the_noise() -> None:
    x = np.full((2, 16), 0.5)

    def draw(seed: int, index: list[int]) -> bytes:
        keys = np.array(index, np.uint64)
        return poisson_spikes(x[: len(index)], 64, seed=seed, decisions=keys).tobytes()

    seeds = [0, 1, 2**32, 2**32 + 1, 2**64 - 1]
    keys = [0, 1, 2**32, 2**32 + 1, 2**64 - 1]
    assert len({draw(seed, [key]) for seed in seeds for key in keys}) == 25
    assert draw(3, [8, 5]) == draw(3, [8]) + draw(3, [5])


def brute_force_equidistant(x: float, n_steps: int) -> list[int]:
    """Steps round(k / |x|) in exact arithmetic; |x| at most 1."""
    rate = Fraction(min(abs(x), 1.0))
    spikes = [0] * n_steps
    for k in range(1, n_steps + 1):
        # k / rate is rounded to a float first, then to an integer, half to even.
        step = round(k / float(rate)) if rate and k / rate <= n_steps + 1 else n_steps + 1
        if step <= n_steps:
            spikes[step - 1] = 1 if x > 0 else -1
    return spikes


RATES = [0.0, -0.0, 1.0, -1.0, 0.5, -0.25, 0.4, 2 / 3, -0.3, 0.99, 0.1, 7.0, -1e30, 1 / 130, 5e-324]


def test_equidistant_spikes_by_brute_force() -> None:
    rng = np.random.default_rng(4)
    values = np.array([*RATES, *rng.uniform(-1.2, 1.2, 40)])
    found = equidistant_spikes(values[np.newaxis], 130)
    for i, x in enumerate(values):
        assert found[0, :, i].tolist() == brute_force_equidistant(float(x), 130), x


def test_equidistant_examples() -> None:
    found = equidistant_spikes(np.array([[0.5, -0.4, 1.5]]), 8)[0].T
    # 2 / 0.5 = 4; 1 / 0.4 = 2.5 and 5 / 0.4 = 12.5 round to even.
    assert found.tolist() == [
        [0, 1, 0, 1, 0, 1, 0, 1],
        [0, -1, 0, 0, -1, 0, 0, -1],
        [1, 1, 1, 1, 1, 1, 1, 1],
    ]


def encoder(encoding: str, width: int, **options: Any) -> SpikingModel:
    """A model of which only the input matters."""
    weights = [np.ones((width, 1))]
    return dense_model(weights, **({"encoding": encoding, "n_steps": 1} | options))


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("encoding", ["poisson", "equidistant"])
@pytest.mark.parametrize("n_steps", [1, 3, 64, 65, 130, 1000])
def test_engine_encodes_like_the_reference(encoding: Any, precision: Any, n_steps: int) -> None:
    rng = np.random.default_rng(n_steps)
    values = np.concatenate([RATES, rng.uniform(-1.2, 1.2, 25), 10.0 ** rng.uniform(-9, 2, 10)])
    observations = np.stack([values, rng.permutation(values), -values])
    for seed, first in ((0, 0), (1, 2**32 - 2), (2**32, 2**63), (2**64 - 1, 2**64 - 3)):
        found = encode_observations(
            encoder(encoding, len(values)),
            observations,
            n_steps=n_steps,
            seed=seed,
            decisions=first,
            precision=precision,
        )
        wanted = encode(
            encoding,
            observations.astype(precision),
            n_steps,
            seed=seed,
            decisions=decisions(3, first),
        )
        np.testing.assert_array_equal(found, wanted, strict=True)


@pytest.mark.parametrize("encoding", ["poisson", "equidistant"])
def test_encoding_nothing(encoding: Any) -> None:
    for batch, width in ((0, 3), (2, 0), (0, 0)):
        found = encode_observations(encoder(encoding, width), np.zeros((batch, width)), n_steps=70)
        assert (found.shape, found.dtype) == ((batch, 70, width), np.int8)
        reference = encode(
            encoding, np.zeros((batch, width)), 70, seed=0, decisions=decisions(batch)
        )
        np.testing.assert_array_equal(found, reference, strict=True)


@pytest.mark.parametrize("name", SIMULATORS)
def test_simulators_take_the_index_of_each_decision(name: str) -> None:
    rng = np.random.default_rng(9)
    model = dense_model([rng.normal(size=(4, 3))], encoding="poisson", n_steps=40)
    x = rng.uniform(-1, 1, (6, 4))
    simulate = SIMULATORS[name]
    whole = simulate(model, x, seed=5, decisions=10).outputs
    indices = np.array([15, 10, 12], np.uint64)
    some = simulate(model, x[[5, 0, 2]], seed=5, decisions=indices).outputs
    np.testing.assert_array_equal(some, whole[[5, 0, 2]])
    signed = simulate(model, x[[5, 0, 2]], seed=5, decisions=indices.astype(np.int32)).outputs
    np.testing.assert_array_equal(signed, some)
    listed = simulate(model, x[[5, 0, 2]], seed=5, decisions=[15, 10, 12]).outputs
    np.testing.assert_array_equal(listed, some)
    assert not np.array_equal(simulate(model, x, seed=6, decisions=10).outputs, whole)
    last = simulate(model, x[:1], seed=5, decisions=2**64 - 1).outputs
    again = simulate(model, x[:1], seed=5, decisions=np.array([2**64 - 1], np.uint64)).outputs
    np.testing.assert_array_equal(last, again)


def test_fixed_point_encodes_float32() -> None:
    model, x = encoder("equidistant", 3), np.array([[0.1, -0.7, 1 / 3]])
    found = encode_observations(model, x, n_steps=70, precision="fixed")
    np.testing.assert_array_equal(found, encode_observations(model, x, n_steps=70))


def test_encode_observations_refuses() -> None:
    model = encoder("poisson", 2)
    with pytest.raises(OptionError, match="constant encoding has no input spikes"):
        encode_observations(encoder("constant", 2), np.zeros((1, 2)))
    with pytest.raises(OptionError, match="precision must be one of float32, float64"):
        encode_observations(model, np.zeros((1, 2)), precision="float16")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="n_steps must be an integer from 1"):
        encode_observations(model, np.zeros((1, 2)), n_steps=0)
    with pytest.raises(ObservationError, match=r"must have shape \(B, 2\)"):
        encode_observations(model, np.zeros((1, 3)))
