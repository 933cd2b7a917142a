"""Bad input: one sentence of an exception of ours, the same from every simulator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from simulators import SIMULATORS, Simulate, dense_model

from dsqn_fast import errors
from dsqn_fast.engine import Engine
from dsqn_fast.errors import (
    DsqnError,
    ModelError,
    ObservationError,
    ObservationTypeError,
    OptionError,
    RecordingError,
)

MODEL = dense_model([np.eye(3), np.ones((3, 2))], n_steps=5, encoding="poisson")
GOOD = np.zeros((2, 3), np.float32)


@pytest.fixture(params=SIMULATORS)
def simulate(request: pytest.FixtureRequest) -> Simulate:
    """Each simulator."""
    return SIMULATORS[request.param]


def refused(kind: type[DsqnError], message: str) -> Any:
    """Expect an exception of ``kind`` whose one line matches ``message``."""
    assert getattr(errors, kind.__name__) is kind
    return pytest.raises(kind, match=rf"\A[^\n]*{message}[^\n]*\Z")


STEPS = [0, -1, 2**24 + 1, 2**40, 2**70, True, np.True_, 1.5, 2.0, "3", [3]]


@pytest.mark.parametrize("n_steps", STEPS, ids=repr)
def test_n_steps(simulate: Simulate, n_steps: Any) -> None:
    with refused(OptionError, "n_steps must be an integer from 1 to 16777216, not "):
        simulate(MODEL, GOOD, n_steps=n_steps)


SEEDS = [-1, 2**64, 2**70, True, np.True_, 1.5, 0.0, None, "0", [0], np.zeros(2), b"1"]


@pytest.mark.parametrize("seed", SEEDS, ids=repr)
def test_seed(simulate: Simulate, seed: Any) -> None:
    with refused(OptionError, r"seed must be (an integer )?from 0 to 2\*\*64 - 1, not "):
        simulate(MODEL, GOOD, seed=seed)


DECISIONS: list[tuple[Any, str]] = [
    (-1, r"2 decisions must have indices from 0 to 2\*\*64 - 1, but the first is -1"),
    (
        2**64 - 1,
        r"2 decisions must have indices from 0 to 2\*\*64 - 1, but the first is 1844674407",
    ),
    (2**64, "but the first is 18446744073709551616"),
    (True, "decisions must be an integer or 2 integers, not bool of shape"),
    (1.0, "decisions must be an integer or 2 integers, not float64 of shape"),
    (None, "decisions must be an integer or 2 integers, not object"),
    ("one", "decisions must be an integer or 2 integers, not <U3"),
    ([1, 2, 3], r"decisions must be an integer or 2 integers, not int64 of shape \(3,\)"),
    (np.zeros((2, 1), np.uint64), r"not uint64 of shape \(2, 1\)"),
    ([[1], [2, 3]], "decisions must be an integer or 2 integers"),
    ([3, -4], "decisions must not be negative, but one is -4"),
]


@pytest.mark.parametrize(("decisions", "message"), DECISIONS, ids=lambda value: repr(value)[:30])
def test_decisions(simulate: Simulate, decisions: Any, message: str) -> None:
    with refused(OptionError, message):
        simulate(MODEL, GOOD, decisions=decisions)


RECORDS: list[tuple[Any, str]] = [
    ((2,), "record names population 2, but the model has 2: use 0 to 1"),
    ((-3,), "record names population -3, but the model has 2"),
    ((0, 1.0), "record must be population indices or 'all', not 1.0"),
    ((True,), "record must be population indices or 'all', not True"),
    ("last", "record must be population indices or 'all', not 'last'"),
    ("", "record must be population indices or 'all', not ''"),
    (0, "record must be population indices or 'all', not 0"),
    (None, "record must be population indices or 'all', not None"),
    ([[0]], r"record must be population indices or 'all', not \[0\]"),
    (np.ones((1, 2), int), "record must be population indices or 'all', not array"),
]


@pytest.mark.parametrize(("record", "message"), RECORDS, ids=lambda value: repr(value)[:30])
def test_record(simulate: Simulate, record: Any, message: str) -> None:
    with refused(OptionError, message):
        simulate(MODEL, GOOD, record=record)


@pytest.mark.parametrize("precision", ["float16", "Float32", "fixed64", "", None, np.float32, 32])
def test_precision(simulate: Simulate, precision: Any) -> None:
    with refused(OptionError, "precision must be one of float32, float64"):
        simulate(MODEL, GOOD, precision=precision)


@pytest.mark.parametrize("n_threads", [0, -1, 1025, 2**70, True, 1.0, None, "2"], ids=repr)
def test_n_threads(n_threads: Any) -> None:
    with refused(OptionError, "n_threads must be (an integer )?from 1 to 1024, not "):
        Engine(MODEL, n_threads=n_threads)


SHAPES = [(2, 4), (2, 2), (3, 1), (2, 3, 1), (2, 2, 3), (), (4,), (0, 2), (0,)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_shape_of_observations(simulate: Simulate, shape: tuple[int, ...], dtype: Any) -> None:
    wanted = r"observations must have shape \(B, 3\) or \(3,\), not "
    with refused(ObservationError, wanted + str(shape).replace("(", r"\(").replace(")", r"\)")):
        simulate(MODEL, np.zeros(shape, dtype))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_observations_that_are_not_finite(
    simulate: Simulate, value: float, dtype: Any, precision: Any
) -> None:
    observations = np.zeros((2, 3), dtype)
    observations[1, 2] = value
    with refused(
        ObservationError, rf"must be finite in {precision}, but entry \(1, 2\) is {value}"
    ):
        simulate(MODEL, observations, precision=precision)
    single = np.array([0, value, 0], dtype)
    with refused(
        ObservationError, rf"must be finite in {precision}, but entry \(0, 1\) is {value}"
    ):
        simulate(MODEL, single, precision=precision)


def test_observations_beyond_the_precision(simulate: Simulate) -> None:
    with refused(ObservationError, r"must be finite in float32, but entry \(0, 0\) is inf"):
        simulate(MODEL, np.full((1, 3), 1e300))
    simulate(MODEL, np.full((1, 3), 1e300), precision="float64")


TYPES: list[tuple[Any, str]] = [
    (np.zeros((2, 3), complex), "must be real numbers, not complex128: convert them to float32"),
    (np.zeros((2, 3), "M8[s]"), "must be real numbers, not datetime64"),
    (np.array([["a", "b", "c"]]), "must be real numbers, not <U1"),
    (np.full((2, 3), None), "must be real numbers, not object"),
    (None, "must be real numbers, not object"),
    ("text", "must be real numbers, not <U4"),
    ({"x": 1}, "must be real numbers, not object"),
    ([[2**70, 0, 0]], "must be real numbers, not object"),
    ([[1, 2, 3], [4, 5]], "must be one array of numbers, not sequences of unequal lengths"),
]


@pytest.mark.parametrize(("observations", "message"), TYPES, ids=lambda value: repr(value)[:30])
def test_type_of_observations(simulate: Simulate, observations: Any, message: str) -> None:
    with refused(ObservationTypeError, message):
        simulate(MODEL, observations)


BEYOND: list[tuple[dict[str, Any], str]] = [
    ({"weights": [np.full((3, 2), -1e300)]}, "a weight of population 0 is -1e[+]300"),
    ({"biases": [[0.0, 1e39]]}, r"a bias of population 0 is 1e[+]39"),
    ({"thresholds": [1e300]}, "a threshold of population 0 is 1e[+]300"),
    ({"thresholds": [[1.0, 1e-60]]}, "a threshold of population 0 is 1e-60"),
    ({"starts": [[1.0, -1e40]]}, "an initial_potential of population 0 is -1e[+]40"),
]


@pytest.mark.parametrize(("changes", "message"), BEYOND)
def test_parameters_beyond_the_precision(
    simulate: Simulate, changes: dict[str, Any], message: str
) -> None:
    model = dense_model(**({"weights": [np.ones((3, 2))]} | changes))
    with refused(ModelError, message + ", which float32 cannot hold: use precision 'float64'"):
        simulate(model, GOOD)
    simulate(model, GOOD, precision="float64")


def test_fixed_point_refuses_what_float32_cannot_hold(simulate: Simulate) -> None:
    changes, message = BEYOND[0]
    model = dense_model(**({"weights": [np.ones((3, 2))]} | changes))
    with refused(ModelError, message + ", which float32 cannot hold: use precision 'float64'"):
        simulate(model, GOOD, precision="fixed")


def test_recordings_larger_than_memory(simulate: Simulate) -> None:
    model = dense_model([np.ones((1, 200_000))], n_steps=2**24)
    message = r"recording 2 decisions of 16777216 steps takes 3.36e\+04 GB, but this machine has "
    with refused(RecordingError, message):
        simulate(model, np.ones((2, 1)), record="all")
    assert issubclass(RecordingError, MemoryError)


def test_a_small_number_that_becomes_zero_is_no_error(simulate: Simulate) -> None:
    model = dense_model([np.full((3, 2), 1e-60)], [[1e-60, 0.0]], starts=[-1e-60])
    assert not simulate(model, np.ones((1, 3))).outputs.any()
