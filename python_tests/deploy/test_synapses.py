from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import spiking_models

from dsqn_fast.connectivity import fan_out, pool_factor, pool_sum, spike_current
from dsqn_fast.deploy.synapses import count_synapses, population_neurons, population_synapses
from dsqn_fast.model import AveragePool2d, Flatten, SpikingModel


def currents(model: SpikingModel, spikes: list[np.ndarray]) -> list[np.ndarray]:
    """Current into every population, by the functions that define it."""
    found, values, factor = [], spikes[0], np.float64(1)
    for layer in model.layers:
        if isinstance(layer, AveragePool2d):
            values = pool_sum(layer, values)
            factor = np.float64(factor * pool_factor(layer, np.dtype(np.float64)))
        elif isinstance(layer, Flatten):
            values = values.reshape(len(values), -1)
        else:
            current = spike_current(layer.connection, values, factor, np.dtype(np.float64))
            found.append(current.ravel())
            values, factor = spikes[len(found)], np.float64(1)
    return found


@settings(max_examples=40, deadline=None)
@given(model=spiking_models(), seed=st.integers(0, 2**32 - 1))
def test_synapses_carry_the_current_that_is_defined(model: SpikingModel, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shapes = [
        s
        for layer, s in zip(model.layers, model.shapes()[1:], strict=True)
        if layer in model.populations
    ]
    spikes = [rng.integers(0, 2, (1, *shape)) for shape in (model.input_shape, *shapes)]
    synapses = population_synapses(model)
    for before, into, wanted in zip(spikes, synapses, currents(model, spikes), strict=False):
        current = np.zeros(wanted.size)
        np.add.at(current, into.target, into.weight * before.ravel()[into.source])
        scale = np.abs(into.weight).sum() + 1
        assert np.allclose(current, wanted, rtol=0, atol=1e-12 * scale)
        assert (np.diff(into.source) >= 0).all()
    assert [len(s.source) for s in synapses] == [int(fan.sum()) for fan in fan_out(model)[:-1]]
    assert count_synapses(model.replace(encoding="poisson")) == sum(len(s.source) for s in synapses)


@settings(max_examples=20, deadline=None)
@given(model=spiking_models())
def test_every_neuron_has_its_parameters(model: SpikingModel) -> None:
    for found, layer in zip(population_neurons(model), model.populations, strict=True):
        size = found.bias.size
        assert found.threshold.size == found.start.size == size
        width = layer.connection.bias.size
        assert np.array_equal(found.bias.reshape(-1, width)[-1], layer.connection.bias)
        last = found.threshold.reshape(-1, width)[0]
        assert np.array_equal(last, np.broadcast_to(layer.threshold, (width,)))
