"""Layers are compared with the network that they follow, and advice knows what was done already."""

from __future__ import annotations

import numpy as np
import pytest
from conversion.conversion_networks import dense_network, image_network, observations_for

from dsqn_fast.conversion import convert
from dsqn_fast.conversion.converted_network import converted_network
from dsqn_fast.conversion.diagnosis import diagnose
from dsqn_fast.model import AnnModel


@pytest.mark.parametrize("network", [dense_network, image_network])
@pytest.mark.parametrize("rule", ["none", "robust", "channel", "thesis-robust", "spike-norm"])
@pytest.mark.parametrize("spikes", ["binary", "burst"])
def test_a_network_is_read_back_from_its_spiking_model(network, rule: str, spikes: str) -> None:  # type: ignore[no-untyped-def]
    ann: AnnModel = network()
    observations = observations_for(ann, 50)
    model = convert(ann, observations, normalization=rule, spikes=spikes, n_steps=4)  # type: ignore[arg-type]
    assert converted_network(model) is model.source
    read = converted_network(model.replace(source=None))
    np.testing.assert_allclose(
        read.forward(observations), ann.forward(observations), rtol=1e-4, atol=1e-5
    )


def test_calibrated_biases_are_an_error_of_the_model_not_another_network() -> None:
    ann = dense_network()
    observations = observations_for(ann, 100)
    model = convert(ann, observations, normalization="channel", calibrate_bias=True, n_steps=4)
    assert converted_network(model) is model.source
    assert diagnose(model, observations).fine_tuned is None


@pytest.mark.parametrize("sizes", [(4, 24, 24, 3), (4, 17, 3)], ids=str)
def test_a_taught_network_is_not_measured_by_the_activations_of_its_source(
    sizes: tuple[int, ...],
) -> None:
    source, taught = dense_network(seed=0), dense_network(sizes, seed=9)
    observations = observations_for(source, 300)
    alone = convert(taught, observations, normalization="channel", percentile=1.0, n_steps=64)
    model = alone.replace(source=source)
    found, wanted = diagnose(model, observations), diagnose(alone, observations)
    for layer, own in zip(found.layers, wanted.layers, strict=True):
        assert layer.relative_error < 0.2
        assert layer.relative_error == pytest.approx(own.relative_error, rel=1e-4)
        assert layer.correlation == pytest.approx(own.correlation)
    actions = source.forward(observations).argmax(axis=1)
    assert found.fine_tuned == (taught.forward(observations).argmax(axis=1) == actions).mean()
    lost = sum(layer.agreement_lost for layer in found.layers)
    assert lost == pytest.approx(found.fine_tuned - found.agreement)
    assert "the fine-tuned network itself agrees" in found.advice
    assert "QCFS" not in found.advice


def test_what_was_done_is_not_advised_again() -> None:
    ann = dense_network()
    observations = observations_for(ann, 300)
    binary, burst, zero = (
        convert(ann, observations, normalization="channel", percentile=1.0, n_steps=4, **options)  # type: ignore[arg-type]
        for options in ({}, {"spikes": "burst", "burst_limit": 3}, {"reset": "zero"})
    )
    assert "burst spikes" in diagnose(binary, observations).advice
    found = diagnose(burst, observations, wanted_agreement=1.0)
    assert "burst" not in found.advice
    assert found.gap_too_small == (found.gap.median < 1 / 12)
    assert "burst" not in diagnose(zero, observations).advice
    enough = diagnose(burst, observations, wanted_agreement=0.1)
    assert enough.advice.startswith("This conversion is enough")


def test_outputs_are_not_called_q_values() -> None:
    ann = dense_network()
    observations = observations_for(ann, 300)
    model = convert(ann, observations, normalization="channel", n_steps=2)
    advice = diagnose(model, observations).advice
    assert "best and second output" in advice
    assert " Q " not in advice
