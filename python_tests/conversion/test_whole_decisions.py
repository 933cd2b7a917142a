"""Rates are over T also where the decisions of a model end before it."""

from __future__ import annotations

import numpy as np
import pytest
from conversion.conversion_networks import dense_network, observations_for

from dsqn_fast.conversion import convert
from dsqn_fast.conversion.diagnosis import diagnose
from dsqn_fast.model.options import EarlyExit


@pytest.mark.parametrize("rule", ["spike-norm", "channel"])
def test_first_spike_decoding_is_calibrated_like_potential_decoding(rule: str) -> None:
    ann = dense_network()
    observations = observations_for(ann, 300)
    first, whole = (
        convert(
            ann,
            observations,
            normalization=rule,  # type: ignore[arg-type]
            initial_potential="calibrated",
            calibrate_bias=True,
            decoding=decoding,  # type: ignore[arg-type]
            n_steps=16,
        )
        for decoding in ("first-spike", "potential")
    )
    for one, other in zip(first.populations, whole.populations, strict=True):
        np.testing.assert_array_equal(one.scale, other.scale)
        np.testing.assert_array_equal(one.connection.bias, other.connection.bias)
    for one, other in zip(first.populations[:-1], whole.populations[:-1], strict=True):
        np.testing.assert_array_equal(one.initial_potential, other.initial_potential)
    assert float(first.populations[-1].initial_potential) == 0.5


def test_early_exit_does_not_change_what_the_diagnosis_says_of_layers() -> None:
    ann = dense_network()
    observations = observations_for(ann, 300)
    whole = convert(ann, observations, normalization="channel", n_steps=32)
    early = whole.replace(early_exit=EarlyExit(kappa=1e-6, spread=1.0))
    for one, other in zip(
        diagnose(early, observations).layers, diagnose(whole, observations).layers, strict=True
    ):
        assert one.mean_rate == other.mean_rate
        assert one.relative_error == other.relative_error
    found = diagnose(early, observations)
    assert (
        found.energy.snn.membrane_updates
        < diagnose(whole, observations).energy.snn.membrane_updates
    )
    assert found.layers[-1].agreement == found.agreement
