from __future__ import annotations

import numpy as np
import pytest
from conversion.conversion_networks import dense_network, image_network, observations_for

from dsqn_fast.conversion import convert
from dsqn_fast.conversion.activations import weighted_activations
from dsqn_fast.conversion.error_calibration import estimated_activation
from dsqn_fast.conversion.simulate import actions_over_steps, simulate
from dsqn_fast.model import AnnModel

RULES = ["none", "model", "data", "robust", "channel", "spike-norm", "local-threshold"]


@pytest.mark.parametrize("network", [dense_network, image_network])
@pytest.mark.parametrize("rule", RULES)
def test_rates_converge_to_the_source(network: object, rule: str) -> None:
    # Whatever the scales are, rates times scales approach the activations: only if every
    # weight, bias and scale (through pooling and Flatten) is where it belongs.
    ann: AnnModel = network()  # type: ignore[operator]
    observations = observations_for(ann, 30)
    largest = max(a.max() for a in weighted_activations(ann, observations)[:-1])
    if rule == "none":
        # Rates above 1 do not exist: inputs small enough that no activation is.
        observations = observations / (4 * largest)
    n_steps = 3000 if rule == "model" else 600
    model = convert(ann, observations, normalization=rule, percentile=1.0, n_steps=n_steps)  # type: ignore[arg-type]
    result = simulate(model, observations)
    for place, wanted in enumerate(weighted_activations(ann, observations)):
        error = np.abs(estimated_activation(model, result, place) - wanted)
        # SpikeNorm may clip: its thresholds are balanced on steps, not on rates.
        assert error.mean() < 0.03 * np.abs(wanted).max(), place


def test_source_and_settings_are_carried() -> None:
    ann = dense_network((4, 24, 24, 2))
    model = convert(
        ann,
        observations_for(ann),
        normalization="channel",
        reset="zero",
        timing="nest",
        encoding="poisson",
        decoding="count",
        initial_potential="zero",
        n_steps=7,
        env_id="CartPole-v1",
    )
    assert model.source is not None
    np.testing.assert_array_equal(model.source.layers[0].weight, ann.layers[0].weight)
    assert (model.neuron.reset, model.timing, model.encoding) == ("zero", "nest", "poisson")
    assert (model.decoding, model.n_steps, model.env_id) == ("count", 7, "CartPole-v1")
    assert all((layer.initial_potential == 0).all() for layer in model.populations)
    conversion = model.provenance["conversion"]
    assert conversion["recipe"]["normalization"] == "channel"
    assert conversion["calibration"]["observations"] == 200
    assert len(conversion["calibration"]["sha256"]) == 64


def test_burst_scale_stands_for_one_spike() -> None:
    ann = dense_network()
    observations = observations_for(ann)
    binary = convert(ann, observations, normalization="channel", n_steps=50)
    burst = convert(ann, observations, normalization="channel", n_steps=50, spikes="burst")
    np.testing.assert_allclose(burst.populations[0].scale * 5, binary.populations[0].scale)
    wanted = ann.forward(observations).argmax(axis=1)
    shares = [(simulate(m, observations).actions == wanted).mean() for m in (binary, burst)]
    assert shares[1] > shares[0]


@pytest.mark.parametrize("timing", ["instant", "nest", "spytorch"])
def test_one_simulation_holds_the_shorter_ones(timing: str) -> None:
    ann = dense_network()
    observations = observations_for(ann, 20)
    model = convert(ann, observations, normalization="channel", timing=timing, n_steps=20)  # type: ignore[arg-type]
    steps = [1, 2, 3, 10, 20]
    for chosen in (steps, steps[1:]):
        rows = actions_over_steps(model, observations, chosen)
        for n, row in zip(chosen, rows, strict=True):
            np.testing.assert_array_equal(row, simulate(model, observations, n_steps=n).actions)
