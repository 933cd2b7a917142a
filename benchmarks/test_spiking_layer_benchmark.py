"""Forward and backward pass of a trainable spiking network beside a plain torch loop over T.

The plain loop is differentiated by autograd, step by step; outputs and gradients are compared
before either is timed. One thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

torch = pytest.importorskip("torch")

from plain_spiking_loop import plain_loop  # noqa: E402

from dsqn_fast.training.spiking_network import SpikingNetwork  # noqa: E402
from dsqn_fast.training.torch_threads import one_thread  # noqa: E402

SIZES = {"cartpole": (4, 16, 16, 2), "mountaincar": (2, 64, 64, 3), "wide": (4, 256, 256, 2)}
BATCH = 128


def _pass(
    network: SpikingNetwork, forward: Callable[[Any], Any], observations: Any
) -> tuple[Any, ...]:
    """Outputs and gradients of a mean squared error."""
    outputs = forward(observations)
    loss = outputs.square().mean()
    return (outputs, *torch.autograd.grad(loss, list(network.parameters())))


@pytest.mark.parametrize("way", ["fused", "plain loop"])
@pytest.mark.parametrize("name", list(SIZES))
@pytest.mark.benchmark(min_rounds=20, max_time=1.0, disable_gc=True, warmup=True)
def test_forward_and_backward(benchmark: BenchmarkFixture, name: str, way: str) -> None:
    torch.manual_seed(0)
    network = SpikingNetwork(SIZES[name], n_steps=20)
    observations = torch.randn(BATCH, SIZES[name][0])

    def plain(batch: Any) -> Any:
        return plain_loop(network, batch)

    with one_thread():
        found = _pass(network, network, observations)
        for mine, other in zip(found, _pass(network, plain, observations), strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-5)
        benchmark.group = f"spiking layers {SIZES[name]}, batch {BATCH}, T 20"
        benchmark(_pass, network, network if way == "fused" else plain, observations)
