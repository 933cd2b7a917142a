"""Convolution, pooling and fan-out against torch and against brute force.

Weights and observations are multiples of 1/64, so that sums are exact in any order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from simulators import SIMULATORS, Simulate

from dsqn_fast.connectivity import fan_out
from dsqn_fast.encodings import encode
from dsqn_fast.model import AveragePool2d, Conv2d, Dense, Flatten, SpikingLayer, SpikingModel

torch = pytest.importorskip("torch")
Shape = tuple[int, ...]


@pytest.fixture(params=SIMULATORS)
def simulate(request: pytest.FixtureRequest) -> Simulate:
    """Each simulator."""
    return SIMULATORS[request.param]


def dyadic(rng: np.random.Generator, shape: Shape, limit: int = 32) -> NDArray[np.float64]:
    """Multiples of 1/64 from -limit / 64 to limit / 64."""
    return rng.integers(-limit, limit + 1, shape) / 64


def convolution(rng: np.random.Generator, shape: Shape, **options: Any) -> SpikingLayer:
    """A convolution whose thresholds differ by channel."""
    connection = Conv2d(weight=dyadic(rng, shape), bias=dyadic(rng, shape[3:]), **options)
    return SpikingLayer(connection=connection, threshold=rng.integers(16, 64, shape[3]) / 64)


def dense(rng: np.random.Generator, n_in: int, n_out: int) -> SpikingLayer:
    """A dense layer."""
    return SpikingLayer(
        connection=Dense(weight=dyadic(rng, (n_in, n_out)), bias=dyadic(rng, (n_out,)))
    )


def networks() -> dict[str, tuple[Shape, tuple[Any, ...]]]:
    """Input shape and layers of networks with every kind of connection."""
    rng = np.random.default_rng(5)
    return {
        "conv": ((5, 6, 2), (convolution(rng, (3, 2, 2, 4)), convolution(rng, (2, 3, 4, 3)))),
        "stride and padding": (
            (7, 8, 3),
            (
                convolution(rng, (3, 3, 3, 5), stride=(2, 3), padding=(1, 2)),
                convolution(rng, (2, 2, 5, 4), stride=(1, 2), padding=(1, 0)),
                Flatten(),
                dense(rng, 5 * 2 * 4, 6),
                dense(rng, 6, 3),
            ),
        ),
        "pooling": (
            (9, 10, 2),
            (
                AveragePool2d(kernel=(2, 2), stride=(1, 2)),
                convolution(rng, (2, 2, 2, 6)),
                AveragePool2d(kernel=(2, 1), stride=(2, 1)),
                AveragePool2d(kernel=(1, 2), stride=(1, 3)),
                convolution(rng, (2, 1, 6, 5), padding=(1, 1)),
                AveragePool2d(kernel=(4, 2), stride=(3, 2)),
                Flatten(),
                dense(rng, 5, 4),
            ),
        ),
        "flattened image": ((3, 2, 2), (Flatten(), dense(rng, 12, 5), dense(rng, 5, 2))),
        "no neurons": (
            (4, 4, 1),
            (convolution(rng, (2, 2, 1, 0)), Flatten(), dense(rng, 0, 3)),
        ),
    }


NETWORKS = networks()


def network(name: str, **options: Any) -> SpikingModel:
    """One of `NETWORKS`."""
    shape, layers = NETWORKS[name]
    return SpikingModel(**({"layers": layers, "input_shape": shape, "n_steps": 20} | options))


def torch_layer(layer: Any, values: Any) -> Any:
    """What torch computes for a layer: (B, channels, height, width) or (B, n)."""
    functional = torch.nn.functional
    if isinstance(layer, Flatten):
        return values.permute(0, 2, 3, 1).flatten(1)
    if isinstance(layer, AveragePool2d):
        return functional.avg_pool2d(values, layer.kernel, layer.stride)
    connection = layer.connection
    weight, bias = torch.from_numpy(connection.weight), torch.from_numpy(connection.bias)
    if isinstance(connection, Dense):
        return values @ weight + bias
    kernel = weight.permute(3, 2, 0, 1)
    return functional.conv2d(values, kernel, bias, connection.stride, connection.padding)


def torch_simulation(model: SpikingModel, observations: NDArray[Any]) -> tuple[Any, list[Any]]:
    """Integrate-and-fire with reset by subtraction, instant timing, in float64."""
    images = torch.from_numpy(observations).permute(0, 3, 1, 2)
    potentials: dict[int, Any] = {}
    counts: dict[int, Any] = {}
    for _ in range(model.n_steps):
        values = images
        for index, layer in enumerate(model.layers):
            values = torch_layer(layer, values)
            if not isinstance(layer, SpikingLayer):
                continue
            v = potentials.get(index, 0.0) + values
            theta = torch.from_numpy(layer.threshold)
            theta = theta.reshape(-1, 1, 1) if v.ndim == 4 else theta
            spikes = (v >= theta).double() * (index < len(model.layers) - 1)
            potentials[index] = v - spikes * theta
            counts[index] = counts.get(index, 0) + spikes
            values = spikes
    return channels_last(v), [channels_last(counts[index]) for index in sorted(counts)]


def channels_last(values: Any) -> NDArray[np.float64]:
    """Flat values of each decision, channel fastest."""
    values = values.permute(0, 2, 3, 1) if values.ndim == 4 else values
    return np.asarray(values.flatten(1).numpy())


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "no neurons"])
def test_simulators_equal_torch(simulate: Simulate, name: str, precision: Any) -> None:
    model = network(name)
    observations = dyadic(np.random.default_rng(6), (3, *model.input_shape), 96)
    result = simulate(model, observations, precision=precision)
    potentials, counts = torch_simulation(model, observations)
    np.testing.assert_array_equal(result.outputs, potentials)
    assert len(counts) == len(result.spike_counts)
    for here, there in zip(result.spike_counts, counts, strict=True):
        np.testing.assert_array_equal(here, there)
    assert all(c.any() for c in result.spike_counts[:-1])


@pytest.mark.parametrize("name", ["conv", "pooling"])
def test_channels_first_observations_give_the_same(simulate: Simulate, name: str) -> None:
    model = network(name)
    observations = dyadic(np.random.default_rng(7), (2, *model.input_shape), 96)
    wanted = simulate(model, observations)
    turned = simulate(model.replace(channels_first=True), observations.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(turned.outputs, wanted.outputs)
    np.testing.assert_array_equal(turned.synaptic_operations, wanted.synaptic_operations)


@pytest.mark.parametrize("encoding", ["constant", "poisson"])
def test_a_population_without_neurons_passes_nothing_on(simulate: Simulate, encoding: Any) -> None:
    model = network("no neurons", encoding=encoding)
    result = simulate(model, np.ones((2, 4, 4, 1)), record="all")
    bias = model.populations[-1].connection.bias
    np.testing.assert_array_equal(result.outputs, np.tile(bias * 20, (2, 1)))
    assert result.spikes[0].shape == (2, 20, 0)


def brute_force(layer: Any, shape: Shape) -> NDArray[np.int64]:
    """Synapses (inputs, outputs) of one layer, counted one output and window at a time."""
    out = layer.output_shape(shape)
    inner = layer.connection if isinstance(layer, SpikingLayer) else layer
    synapses = np.zeros((int(np.prod(shape)), int(np.prod(out))), np.int64)
    if isinstance(inner, Flatten):
        return np.eye(len(synapses), dtype=np.int64)
    if isinstance(inner, Dense):
        return np.ones_like(synapses)
    pooling = isinstance(inner, AveragePool2d)
    kernel = inner.kernel if pooling else inner.weight.shape[:2]
    padding = (0, 0) if pooling else inner.padding
    number = np.arange(len(synapses)).reshape(shape)
    for target, (row, column, channel) in enumerate(np.ndindex(*out)):
        for dy, dx in np.ndindex(*kernel):
            y = row * inner.stride[0] + dy - padding[0]
            x = column * inner.stride[1] + dx - padding[1]
            if 0 <= y < shape[0] and 0 <= x < shape[1]:
                channels = [channel] if pooling else range(shape[2])
                for source in channels:
                    synapses[number[y, x, source], target] += 1
    return synapses


@pytest.mark.parametrize("name", NETWORKS)
def test_fan_out_counts_every_synapse(name: str) -> None:
    model = network(name)
    wanted, paths = [], None
    for layer, shape in zip(model.layers, model.shapes(), strict=False):
        step = brute_force(layer, shape)
        paths = step if paths is None else paths @ step
        if isinstance(layer, SpikingLayer):
            wanted.append(paths.sum(axis=1))
            paths = None
    wanted.append(np.zeros(model.n_outputs, np.int64))
    found = fan_out(model)
    assert len(found) == len(wanted)
    for here, there in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(here, there, strict=True)


def test_synaptic_operations_are_spikes_times_fan_out(simulate: Simulate) -> None:
    model = network("pooling", encoding="poisson")
    result = simulate(model, np.full((2, 9, 10, 2), 0.5), record="all")
    fans = fan_out(model)
    operations = sum(
        (result.spikes[i].astype(np.int64) * fans[i + 1]).sum(axis=(1, 2)) for i in result.spikes
    )
    spikes = encode(
        "poisson", np.full((2, 180), 0.5), 20, seed=0, decisions=np.arange(2, dtype=np.uint64)
    )
    operations = operations + (np.abs(spikes.astype(np.int64)) * fans[0]).sum(axis=(1, 2))
    np.testing.assert_array_equal(result.synaptic_operations, operations)
    np.testing.assert_array_equal(result.input_spikes, np.abs(spikes).sum(axis=(1, 2)))
