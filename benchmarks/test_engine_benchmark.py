"""`Engine.run` beside NumPy loops: same networks, same inputs, results equal before timing.

`dsqn-fast bench` makes the tables; this is for `pytest-benchmark`, and with
``--benchmark-disable`` for the equality alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from dsqn_fast import Engine, active_isa
from dsqn_fast.benchmarking.agreement import compare, engine_equals_reference
from dsqn_fast.benchmarking.nets import NETS, BenchmarkNet, load_net
from dsqn_fast.benchmarking.peers.catalogue import make_peer

PEERS = ("engine", "numpy", "numpy-by-layer")
ROWS = 4

_load = cache(load_net)


@cache
def _runner(name: str, network: str, batch: int, n_steps: int) -> Callable[..., np.ndarray]:
    peer = make_peer(name)
    peer.prepare(_load(network).model, n_steps, batch)
    return peer.decide


def _observations(net: BenchmarkNet, batch: int) -> np.ndarray:
    return np.ascontiguousarray(net.observations[:batch])


@pytest.mark.parametrize("network", list(NETS))
def test_engine_gives_the_bits_of_the_reference(network: str) -> None:
    assert engine_equals_reference(_load(network), 100)


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("n_steps", [100, 500])
@pytest.mark.parametrize("batch", [1, 64])
@pytest.mark.parametrize("network", ["cartpole", "mountaincar"])
@pytest.mark.benchmark(min_rounds=7, max_time=0.5, disable_gc=True, warmup=True)
def test_decisions(
    benchmark: BenchmarkFixture, network: str, batch: int, n_steps: int, name: str
) -> None:
    net = _load(network)
    observations = _observations(net, batch)
    decide = _runner(name, network, batch, n_steps)
    expected = Engine(net.model).run(observations, n_steps=n_steps).outputs
    agreement = compare(decide(observations), expected, "")
    assert agreement.share == 1
    assert agreement.largest_difference <= 1e-5 * n_steps
    benchmark.group = f"{network} batch {batch} T {n_steps}"
    benchmark.extra_info.update(isa=active_isa(), origin=net.origin)
    benchmark(decide, observations)


@pytest.mark.parametrize("name", PEERS[1:])
@pytest.mark.parametrize("network", ["sparse", "nature-cnn"])
def test_numpy_decides_alike_on_large_networks(network: str, name: str) -> None:
    net = _load(network)
    observations = _observations(net, ROWS)
    expected = Engine(net.model).run(observations, n_steps=100).outputs
    found = _runner(name, network, ROWS, 100)(observations)
    assert compare(found, expected, "").share == 1


@pytest.mark.parametrize("batch", [1, 64])
@pytest.mark.benchmark(min_rounds=7, max_time=0.5, disable_gc=True, warmup=True)
def test_call(benchmark: BenchmarkFixture, batch: int) -> None:
    """One step: nearly all of a call of one decision is overhead."""
    net = _load("cartpole")
    engine, observations = Engine(net.model), _observations(net, batch)
    benchmark.group = f"call, T 1, batch {batch}"
    benchmark(engine.run, observations, n_steps=1)
