"""Explicit synapses carry exactly what the layers carry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from policy_models import small_model, version_1_model
from strategies import spiking_models

from dsqn_fast.deploy.synapses import (
    count_synapses,
    per_neuron_bias,
    refuse_synapses,
    synapse_matrices,
)
from dsqn_fast.model import SpikingLayer, SpikingModel
from dsqn_fast.model.forward import apply_layer, flattened


def by_layers(model: SpikingModel, values: np.ndarray) -> list[np.ndarray]:
    """Input of every population with bias, where each population passes on what it receives."""
    received = []
    for layer in model.layers:
        plain = layer.connection if isinstance(layer, SpikingLayer) else layer
        values = apply_layer(plain, values)
        if isinstance(layer, SpikingLayer):
            received.append(flattened(values))
    return received


@settings(max_examples=40, deadline=None)
@given(model=spiking_models())
def test_synapses_compute_what_layers_compute(model: SpikingModel) -> None:
    values = np.random.default_rng(0).normal(size=(3, *model.input_shape))
    wanted = by_layers(model, values)
    sent = flattened(values)
    matrices, biases = synapse_matrices(model), per_neuron_bias(model)
    for matrix, bias, expected in zip(matrices, biases, wanted, strict=True):
        sent = sent @ matrix.toarray() + bias
        np.testing.assert_allclose(
            sent, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max(initial=1)
        )


def test_synapses_between_populations_are_counted() -> None:
    assert count_synapses(small_model()) == 5 * 2
    model = version_1_model()  # conv, 2 x 1 pooling and 27 x 4, then 4 x 2
    assert count_synapses(model) == 54 * 4 + 4 * 2  # pooling reaches 2 pixels by each synapse
    assert synapse_matrices(model)[1].shape == (6 * 3 * 3, 4)


@pytest.mark.parametrize(("most", "refused"), [(10, False), (9, True)])
def test_too_many_synapses_are_refused_in_one_sentence(most: int, refused: bool) -> None:
    sentence = refuse_synapses(small_model(), most, "SpiNNaker")
    assert (sentence is not None) == refused
    if sentence is not None:
        assert "10" in sentence
        assert "9" in sentence
