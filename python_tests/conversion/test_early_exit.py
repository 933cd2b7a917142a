from __future__ import annotations

import pytest
from conversion.conversion_networks import dense_network, observations_for

from dsqn_fast.conversion import convert
from dsqn_fast.conversion.early_exit import (
    calibrate_early_exit,
    margin_spread,
    proposing_states,
)
from dsqn_fast.conversion.simulate import simulate
from dsqn_fast.errors import OptionError
from dsqn_fast.statistics import binomial_interval


def test_calibrated_exits_keep_the_agreement_on_other_states() -> None:
    ann = dense_network()
    observations = observations_for(ann, 6000)
    model = convert(ann, observations[:500], normalization="channel", n_steps=128)
    proposing = proposing_states(2000)
    tested = observations[1000:3000][~proposing]
    for wanted in (0.85, 0.95):
        early, report = calibrate_early_exit(model, observations[1000:3000], wanted=wanted)
        calibration = simulate(early, tested)
        right = ann.forward(tested).argmax(axis=1)
        # The report's steps and agreement are those of the simulator that stops.
        assert report.mean_steps == calibration.steps_used.mean()
        assert report.agreement == (calibration.actions == right).mean()
        equal = int((calibration.actions == right).sum())
        bound = binomial_interval(equal, 1500, confidence=0.9, method="exact").low
        assert report.lower_bound == bound >= wanted
        assert report.states == 1500
        # Spread and kappas come from states that test nothing.
        assert report.spread == margin_spread(model, observations[1000:3000][proposing])
        fresh = simulate(early, observations[3000:])
        share = (fresh.actions == ann.forward(observations[3000:]).argmax(axis=1)).mean()
        assert share >= wanted - 0.01
        assert fresh.steps_used.mean() < 64


def test_the_margin_of_error_shrinks_with_confidence() -> None:
    ann = dense_network()
    observations = observations_for(ann, 2000)
    model = convert(ann, observations[:500], normalization="channel", n_steps=64)
    bold, safe = (
        calibrate_early_exit(model, observations, wanted=0.9, confidence=c, reference="all-steps")[
            1
        ]
        for c in (0.6, 0.999)
    )
    assert safe.kappa >= bold.kappa
    assert safe.mean_steps >= bold.mean_steps


@pytest.mark.parametrize("count", [2, 3, 5, 40, 1001])
def test_states_that_propose_and_states_that_test_are_both_there(count: int) -> None:
    proposing = proposing_states(count)
    assert 0 < proposing.sum() < count
    assert count < 40 or abs(proposing.mean() - 0.25) < 0.01


def test_an_agreement_out_of_reach_is_refused() -> None:
    ann = dense_network()
    observations = observations_for(ann, 300)
    model = convert(ann, observations, normalization="channel", n_steps=2)
    with pytest.raises(OptionError, match=r"no early exit agrees with the source on 99\.00%"):
        calibrate_early_exit(model, observations)
    with pytest.raises(OptionError, match="wanted must be above 0 and below 1"):
        calibrate_early_exit(model, observations, wanted=1.0)
    count = convert(ann, observations, normalization="channel", decoding="count", n_steps=2)
    with pytest.raises(OptionError, match="decoding 'count'"):
        calibrate_early_exit(count, observations)
