from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conversion.conversion_networks import dense_network, observations_for

from dsqn_fast.conversion import (
    AutoOptions,
    CalibrationOptions,
    Recipe,
    Route,
    Settings,
    convert_in_detail,
)
from dsqn_fast.conversion.auto_report import AutoReport, PlayedReturn
from dsqn_fast.conversion.auto_returns import equals_source, surely_reaches
from dsqn_fast.conversion.calibration_set import share_out
from dsqn_fast.conversion.simulate import simulate
from dsqn_fast.errors import ObservationError, OptionError
from dsqn_fast.importers import load_ann
from dsqn_fast.model import AnnModel

AUTO = Recipe(normalization="auto")


def _auto(ann: AnnModel, observations: object, **options: object) -> tuple[object, AutoReport]:
    settings = Settings(auto=AutoOptions(**options))  # type: ignore[arg-type]
    done = convert_in_detail(ann, observations, recipe=AUTO, settings=settings)  # type: ignore[arg-type]
    assert done.report is not None
    return done.model, done.report


def test_an_easy_network_needs_few_steps_and_the_report_is_true() -> None:
    ann = dense_network()
    observations = observations_for(ann, 3000)
    model, report = _auto(ann, observations, agreement=0.95)
    assert report.reached == "agreement"
    assert report.route == "conversion"
    held_out = share_out(observations, 3000)[2]
    actions = simulate(model, held_out).actions  # type: ignore[arg-type]
    share = float((actions == ann.forward(held_out).argmax(axis=1)).mean())
    assert report.held_out.agreement == share
    assert share > 0.93
    assert sum(point.chosen for point in report.front) == 1
    for one in report.front:
        for other in report.front:
            beaten = (
                other.n_steps < one.n_steps
                and other.agreement > one.agreement
                and other.nanojoule < one.nanojoule
            )
            assert one.chosen or not beaten


def test_more_agreement_needs_more_steps() -> None:
    ann = dense_network()
    observations = observations_for(ann, 3000)
    few, many = (_auto(ann, observations, agreement=a)[1].n_steps for a in (0.8, 0.97))
    assert few < many


def test_a_route_is_taken_where_conversion_fails_and_agreement_stays_that_with_the_source() -> None:
    ann, other = dense_network(seed=0), dense_network(seed=9)
    observations = observations_for(ann, 1000)
    calls: list[int] = []

    def tune(source: AnnModel, states: object, n_steps: int, seed: int) -> AnnModel:
        calls.append(n_steps)
        return other

    settings = Settings(auto=AutoOptions(agreement=0.999, max_steps=2, allow_bursts=False), seed=1)
    done = convert_in_detail(
        ann, observations, recipe=AUTO, settings=settings, routes=[Route(name="other", tune=tune)]
    )
    assert calls == [2]
    assert done.report is not None
    # A network with other actions is tried, and is not chosen.
    assert any(one.route == "other" for one in done.report.candidates)
    assert done.report.route == "conversion"
    assert done.report.reached == "nothing"


def test_shares_are_disjoint_and_complete() -> None:
    observations = np.arange(1000)[:, np.newaxis]
    shares = share_out(observations, 10_000)
    assert sorted(np.concatenate(shares)[:, 0]) == list(range(1000))
    assert [len(share) for share in shares] == [600, 200, 200]
    with pytest.raises(ObservationError, match="at least 10 observations, not 4"):
        share_out(observations[:4], 10)


def test_a_wanted_return_needs_an_environment() -> None:
    ann = dense_network()
    with pytest.raises(OptionError, match="a wanted return needs an environment"):
        _auto(ann, observations_for(ann), wanted_return=10.0)


def test_mountain_car_reaches_what_is_asked(shared_data: Path) -> None:
    folder = shared_data / "thesis"
    ann = load_ann(folder / "mountaincar_dqn.npz", env_id="MountainCar-v0")
    observations = np.load(folder / "mountaincar_replay.npz")["observations"]
    agreements = {}
    for n_steps in (16, 64):
        for start in ("half", "calibrated"):
            done = convert_in_detail(
                ann,
                observations[::2],
                recipe=Recipe(percentile=1.0, initial_potential=start),  # type: ignore[arg-type]
                settings=Settings(n_steps=n_steps),
            )
            states = observations[1::4]
            wanted = ann.forward(states).argmax(axis=1)
            actions = simulate(done.model, states).actions
            agreements[n_steps, start] = float((actions == wanted).mean())
    assert agreements[64, "half"] >= 0.97
    assert agreements[16, "half"] >= 0.85
    assert agreements[16, "calibrated"] >= 0.93


@pytest.mark.slow
@pytest.mark.parametrize("bursts", [True, False])
def test_the_hard_cartpole_agent_keeps_its_return(shared_data: Path, bursts: bool) -> None:
    pytest.importorskip("torch")
    ann = load_ann(shared_data / "zoo" / "dqn-CartPole-v1.zip", env_id="CartPole-v1")
    settings = Settings(
        auto=AutoOptions(allow_bursts=bursts, episodes=10, max_observations=1000),
        calibration=CalibrationOptions(),
    )
    done = convert_in_detail(ann, recipe=AUTO, settings=settings)
    assert done.report is not None
    assert done.model.n_steps <= 128
    assert done.report.played is not None
    assert done.report.played.mean >= 475
    assert done.report.route == ("bursts" if bursts else "conversion")


def test_a_return_counts_only_where_chance_is_ruled_out() -> None:
    lucky = PlayedReturn(episodes=20, mean=480.0, std=90.0, agreement=0.8, source_mean=500.0)
    sure = PlayedReturn(episodes=20, mean=480.0, std=9.0, agreement=0.8, source_mean=500.0)
    assert not surely_reaches(lucky, 475.0)
    assert surely_reaches(sure, 475.0)
    assert equals_source(lucky)
    assert not equals_source(sure)
