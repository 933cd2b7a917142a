from __future__ import annotations

import numpy as np
import pytest
from conversion.conversion_networks import dense_network, image_network, observations_for

from dsqn_fast.conversion import convert
from dsqn_fast.conversion.activations import weighted_activations
from dsqn_fast.conversion.error_calibration import estimated_activation
from dsqn_fast.conversion.simulate import simulate


@pytest.mark.parametrize("network", [dense_network, image_network])
@pytest.mark.parametrize(
    "options", [{"initial_potential": "calibrated"}, {"calibrate_bias": True}], ids=str
)
def test_calibration_lowers_the_mean_error_of_hidden_layers(network, options) -> None:  # type: ignore[no-untyped-def]
    ann = network()
    observations = observations_for(ann, 300)

    def bias_of(**extra: object) -> list[float]:
        model = convert(ann, observations, normalization="channel", n_steps=8, **extra)  # type: ignore[arg-type]
        result = simulate(model, observations)
        wanted = weighted_activations(ann, observations)
        return [
            float(np.abs((wanted[i] - estimated_activation(model, result, i)).mean(axis=0)).mean())
            for i in range(len(wanted) - 1)
        ]

    before, after = bias_of(initial_potential="zero"), bias_of(**options)
    assert all(b < 0.7 * a for a, b in zip(before, after, strict=True))


def test_half_is_without_bias_in_the_first_layer() -> None:
    ann = dense_network()
    observations = observations_for(ann, 500)
    errors = {}
    for start in ("zero", "half"):
        model = convert(
            ann,
            observations,
            normalization="channel",
            percentile=1.0,
            n_steps=8,
            initial_potential=start,
        )  # type: ignore[arg-type]
        result = simulate(model, observations)
        wanted = weighted_activations(ann, observations)[0]
        errors[start] = float((wanted - estimated_activation(model, result, 0)).mean())
    assert abs(errors["half"]) < 0.1 * errors["zero"]
