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
    auto_returns,
    convert_in_detail,
)
from dsqn_fast.conversion.agreement import share_that_shows, states_that_show
from dsqn_fast.conversion.auto_report import AutoReport, PlayedReturn
from dsqn_fast.conversion.auto_returns import equals_source, surely_reaches
from dsqn_fast.conversion.calibration_set import share_out
from dsqn_fast.conversion.q_gap import relative_gaps
from dsqn_fast.conversion.simulate import simulate
from dsqn_fast.errors import ObservationError, OptionError
from dsqn_fast.importers import load_ann
from dsqn_fast.model import AnnModel
from dsqn_fast.statistics import binomial_interval

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
    test = share_out(observations, 3000)[2]
    actions = simulate(model, test).actions  # type: ignore[arg-type]
    share = float((actions == ann.forward(test).argmax(axis=1)).mean())
    assert report.test.agreement == share
    assert share > 0.93
    (chosen,) = (point for point in report.front if point.chosen)
    assert (chosen.agreement, chosen.regret) == (share, report.test.regret)
    assert f"{share:.2%} of {len(test)} test states" in report.sentence
    assert "with 95 % confidence on 600 selection states" in report.sentence
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


def test_few_states_accept_nothing_and_say_so() -> None:
    ann = dense_network()
    model, report = _auto(ann, observations_for(ann, 100), agreement=0.95)
    assert report.selection_states == 20
    assert report.reached == "nothing"
    assert "20 selection states are too few to show 95.00%, which takes 59" in report.sentence
    assert model.n_steps > 16  # type: ignore[attr-defined]
    assert all(one.steps_needed is None for one in report.candidates)


def test_what_the_test_states_do_not_confirm_is_not_reached() -> None:
    ann = dense_network()
    observations = observations_for(ann, 3000)
    easy = np.isin(np.arange(3000) * 200 // 3000 % 10, (4, 9), invert=True)
    gaps = relative_gaps(ann.forward(observations))
    # All that is not for the test is easy to decide; the test states are the hardest of all.
    order = np.argsort(gaps)
    ordered = np.empty_like(observations)
    ordered[~easy], ordered[easy] = observations[order[:600]], observations[order[600:]]
    _, report = _auto(ann, ordered, agreement=0.95)
    assert report.test.agreement < 0.95
    assert report.reached == "nothing"
    assert "shown on the selection states, but not kept on the test states" in report.sentence


@pytest.mark.parametrize("states", [58, 59, 100, 3000])
def test_a_share_shows_an_agreement_where_its_exact_bound_does(states: int) -> None:
    share = share_that_shows(0.95, states)
    assert (share == float("inf")) == (states < 59) == (states < states_that_show(0.95))
    if states < 59:
        return
    equal = round(share * states)
    low, before = (
        binomial_interval(k, states, confidence=0.9, method="exact").low for k in (equal, equal - 1)
    )
    assert before < 0.95 <= low
    assert share_that_shows(1.0, states) == 1.0


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


def test_the_return_of_the_report_is_not_the_one_that_chose(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ann = dense_network((4, 8, 2))
    calls: list[tuple[str, bool]] = []
    measure = auto_returns.Stage.measure

    def watched(stage, chosen, n_steps, *, final=False):  # type: ignore[no-untyped-def]
        calls.append((chosen.recipe.describe(), final))
        return measure(stage, chosen, n_steps, final=final)

    monkeypatch.setattr(auto_returns.Stage, "measure", watched)
    options = AutoOptions(agreement=1.0, max_steps=2, episodes=3, allow_bursts=False)
    settings = Settings(auto=options, env_id="CartPole-v1")
    done = convert_in_detail(ann, observations_for(ann, 300), recipe=AUTO, settings=settings)
    assert done.report is not None
    assert calls[-1] == (done.report.recipe, True)
    assert [final for _, final in calls[:-1]] == [False] * (len(calls) - 1)
    assert len(calls) > 1


def test_a_return_counts_only_where_chance_is_ruled_out() -> None:
    lucky = PlayedReturn(episodes=20, mean=480.0, std=90.0, agreement=0.8, source_mean=500.0)
    sure = PlayedReturn(episodes=20, mean=480.0, std=9.0, agreement=0.8, source_mean=500.0)
    assert not surely_reaches(lucky, 475.0)
    assert surely_reaches(sure, 475.0)
    assert equals_source(lucky)
    assert not equals_source(sure)
