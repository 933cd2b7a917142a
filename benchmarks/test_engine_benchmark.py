"""`Engine.run` beside NumPy loops: same networks, same inputs, results equal before timing."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from benchmark_cases import NETWORKS, Case, assert_agreement, density, load_case
from numpy_loop import layer_by_layer, layers_of, step_by_step
from pytest_benchmark.fixture import BenchmarkFixture

from dsqn_fast import Engine, __version__, active_isa

_load = cache(load_case)


def _runner(name: str, case: Case, observations: Any, n_steps: int) -> Callable[[], object]:
    """A call that decides about ``observations``; what is prepared once is not timed."""
    if name == "engine":
        engine = Engine(case.model)
        return lambda: engine.run(observations, n_steps=n_steps).actions
    loop = step_by_step if name == "numpy" else layer_by_layer
    layers = layers_of(case.model)
    return lambda: loop(layers, observations, n_steps)[0].argmax(axis=1)


@pytest.mark.parametrize("name", ["engine", "numpy", "numpy-by-layer"])
@pytest.mark.parametrize("n_steps", [100, 500])
@pytest.mark.parametrize("batch", [1, 64])
@pytest.mark.parametrize("network", list(NETWORKS))
@pytest.mark.benchmark(min_rounds=7, max_time=0.5, disable_gc=True, warmup=True)
def test_decisions(
    benchmark: BenchmarkFixture, network: str, batch: int, n_steps: int, name: str
) -> None:
    case = _load(network)
    observations = case.observations[:batch]
    result = Engine(case.model).run(observations, n_steps=n_steps)
    assert_agreement(case, result, n_steps)
    benchmark.group = f"{network} batch {batch} T {n_steps}"
    benchmark.extra_info.update(
        network=network,
        origin=case.origin,
        batch=batch,
        n_steps=n_steps,
        runner=name,
        isa=active_isa(),
        versions={"dsqn-fast": __version__, "numpy": np.__version__},
        density=density(case.model, result, n_steps),
    )
    benchmark(_runner(name, case, observations, n_steps))


@pytest.mark.parametrize("batch", [1, 64])
@pytest.mark.benchmark(min_rounds=7, max_time=0.5, disable_gc=True, warmup=True)
def test_call(benchmark: BenchmarkFixture, batch: int) -> None:
    """One step: nearly all of a call of one decision is overhead."""
    case = _load("[4,16,16,2]")
    engine, observations = Engine(case.model), case.observations[:batch]
    benchmark.group = f"call, T 1, batch {batch}"
    benchmark.extra_info.update(runner="call", batch=batch)
    benchmark(engine.run, observations, n_steps=1)
