"""The simulators behind one signature, and what it means for two results to be equal."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.engine import Engine
from dsqn_fast.model import Dense, SpikingLayer, SpikingModel
from dsqn_fast.reference import simulate_reference
from dsqn_fast.results import SimulationResult

Simulate = Callable[..., SimulationResult]
PER_DECISION: Final = (
    "actions",
    "outputs",
    "q_values",
    "total_spikes",
    "input_spikes",
    "synaptic_operations",
    "steps_used",
)


def run_engine(
    model: SpikingModel,
    observations: Any,
    *,
    precision: Any = "float32",
    n_threads: int = 1,
    **options: Any,
) -> SimulationResult:
    """`Engine.run` with the signature of `simulate_reference`."""
    return Engine(model, n_threads=n_threads, precision=precision).run(observations, **options)


SIMULATORS: Final[dict[str, Simulate]] = {"reference": simulate_reference, "engine": run_engine}


def dense_model(
    weights: Sequence[Any],
    biases: Sequence[Any] | None = None,
    *,
    thresholds: Sequence[Any] | None = None,
    starts: Sequence[Any] | None = None,
    scales: Sequence[Any] | None = None,
    **options: Any,
) -> SpikingModel:
    """A model of dense float64 layers; by default thresholds 1, start potentials 0, scales 1."""
    layers = []
    for index, values in enumerate(weights):
        weight = np.asarray(values, np.float64)
        bias = np.zeros(weight.shape[1]) if biases is None else np.asarray(biases[index], float)
        given = {"threshold": thresholds, "initial_potential": starts, "scale": scales}
        neurons = {k: np.asarray(v[index], np.float64) for k, v in given.items() if v is not None}
        layers.append(SpikingLayer(connection=Dense(weight=weight, bias=bias), **neurons))
    n_in = layers[0].connection.weight.shape[0]
    return SpikingModel(
        **({"layers": tuple(layers), "input_shape": (n_in,), "n_steps": 1} | options)
    )


def result_arrays(result: SimulationResult) -> dict[str, NDArray[Any]]:
    """Every array of a result by name."""
    arrays = {name: getattr(result, name) for name in PER_DECISION}
    arrays |= {f"spike_counts[{i}]": counts for i, counts in enumerate(result.spike_counts)}
    for name in ("spikes", "potentials"):
        arrays |= {f"{name}[{i}]": a for i, a in sorted(getattr(result, name).items())}
    return arrays


def bits(array: NDArray[Any]) -> str:
    """A digest of an array's type, shape and bits; every NaN counts as the same."""
    if array.dtype.kind == "f":
        array = np.where(np.isnan(array), array.dtype.type(np.nan), array)
    head = f"{array.dtype.str}{array.shape}".encode()
    return hashlib.sha256(head + np.ascontiguousarray(array).tobytes()).hexdigest()


def digests(result: SimulationResult) -> dict[str, str]:
    """A digest of every array of a result."""
    return {name: bits(array) for name, array in result_arrays(result).items()}


def assert_equal_results(found: SimulationResult, wanted: SimulationResult) -> None:
    """Assert that two results are equal to the last bit; shows the first array that is not."""
    here, there = result_arrays(found), result_arrays(wanted)
    assert list(here) == list(there)
    for name, array in there.items():
        np.testing.assert_array_equal(here[name], array, err_msg=name, strict=True)
        assert bits(here[name]) == bits(array), f"{name} differs in the sign of a zero"
