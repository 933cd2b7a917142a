"""Both agents under disturbances: the same episodes, honest intervals, the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_calls import call, refused

from dsqn_fast.errors import OptionError
from dsqn_fast.model_io import load_policy
from dsqn_fast.robustness import (
    Condition,
    RobustnessOptions,
    RobustnessReport,
    measure_robustness,
)

POLICY = Path(__file__).parents[2] / "policies" / "cartpole-dqn.npz"


def test_a_dead_sensor_costs_return_and_repeats() -> None:
    options = RobustnessOptions(disturbances=["dropped-input"], episodes=2, seeds=2)
    told: list[tuple[int, int]] = []
    report = measure_robustness(
        load_policy(POLICY), options, progress=lambda done, all_: told.append((done, all_))
    )
    assert [one.level for one in report.conditions] == [0, 1, 2, 3]
    assert told[0] == (0, 5)
    assert told[-1] == (5, 5)
    assert report.undisturbed.means == (500, 500)
    # Without the pole's angle no policy balances.
    angle = report.conditions[2]
    assert max(angle.means) < 100
    assert angle.ann.shape == angle.spiking.shape == (2, 2)
    again = measure_robustness(load_policy(POLICY), options)
    np.testing.assert_array_equal(again.conditions[2].spiking, angle.spiking)


def test_an_exact_copy_loses_the_same() -> None:
    """A spiking policy of very many steps is its source network: the difference is 0."""
    model = load_policy(POLICY).replace(n_steps=2000)
    assert model.source is not None
    from dsqn_fast.conversion import convert

    rng = np.random.default_rng(0)
    seen = rng.normal(size=(500, 4)) * [0.5, 0.5, 0.05, 0.5]
    copy = convert(model.source, seen.astype(np.float32), normalization="data", n_steps=2000)
    copy = copy.replace(env_id="CartPole-v1")
    names = ["gaussian-noise", "dropped-neurons"]
    options = RobustnessOptions(disturbances=names, episodes=2, seeds=3, max_episode_steps=60)
    report = measure_robustness(copy, options)
    for name in names:
        assert abs(report.comparison(name).difference) < 3
    assert report.conditions[-1].shared
    assert not report.conditions[0].shared


def _report(ann: list[float], spiking: list[float], *, shared: bool) -> RobustnessReport:
    def condition(name: str, one: list[float], other: list[float]) -> Condition:
        arrays = [np.repeat(np.array(values)[:, np.newaxis], 2, axis=1) for values in (one, other)]
        return Condition(
            disturbance=name, level=1.0, ann=arrays[0], spiking=arrays[1], shared=shared
        )

    full = [100.0] * len(ann)
    return RobustnessReport(
        undisturbed=condition("none", full, [200.0] * len(ann)),
        conditions=(condition("bar", ann, spiking), condition("bar", ann, spiking)),
        level_names={"bar": "row"},
    )


def test_losses_are_compared_in_percent_of_the_undisturbed_return() -> None:
    ann, spiking = [50.0, 60, 70, 40, 55], [160.0, 150, 190, 140, 170]
    report = _report(ann, spiking, shared=False)
    wanted = np.mean((np.array(spiking) - 200) / 2 - (np.array(ann) - 100))
    found = report.comparison("bar")
    assert found.difference == pytest.approx(wanted)
    assert report.verdict("bar") == "spiking loses less"
    swapped = _report([90.0, 91, 93, 94, 90], [100.0, 90, 95, 99, 110], shared=False)
    assert swapped.verdict("bar") == "spiking loses more"
    same = _report([90.0, 91, 93, 94, 90], [180.0, 182, 186, 188, 180], shared=False)
    assert same.verdict("bar") == "no difference shown"


def test_episodes_of_one_disturbed_network_count_once() -> None:
    """Intervals of a few networks are as wide as those of as few episodes."""
    ann, spiking = [50.0, 60, 70], [160.0, 150, 190]
    single, shared = _report(ann, spiking, shared=False), _report(ann, spiking, shared=True)
    widths = [np.ptp(one.conditions[0].intervals[0]) for one in (single, shared)]
    assert widths[1] > 1.2 * widths[0]
    one = shared.comparison("bar")
    assert one.wins + one.ties + one.losses == 3, "levels and episodes of a seed are averaged"


def test_the_command_writes_table_json_and_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    words = ["robustness", POLICY, "--episodes", 1, "--seeds", 2, "--max-episode-steps", 20]
    words += ["--disturbance", "coarse-weights", "--disturbance", "gaussian-noise"]
    out = tmp_path / "r.json"
    shown = call(capsys, *words, "--json", out, "--figure", tmp_path / "r.png")
    assert "coarse-weights" in shown
    assert "no difference shown" in shown
    data = json.loads(out.read_text())
    assert data["settings"]["disturbances"] == ["coarse-weights", "gaussian-noise"]
    assert [row["level"] for row in data["conditions"][:3]] == [8, 6, 4]
    row = data["conditions"][0]
    assert row["episodes"] == len(sum(row["ann"]["returns"], [])) == 2  # noqa: RUF017
    assert set(data["comparisons"]) == {"coarse-weights", "gaussian-noise"}
    assert (tmp_path / "r.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("names", [["bar"], ["bar", "noise"]])
def test_panels_fill_the_picture(names: list[str]) -> None:
    pytest.importorskip("matplotlib")
    from dsqn_fast.robustness.figure import robustness_figure

    returns = np.random.default_rng(0).normal(10, 1, (4, 1))
    undisturbed, *disturbed = (
        Condition(disturbance=name, level=0.0, ann=returns, spiking=returns + 1)
        for name in ("none", *names)
    )
    report = RobustnessReport(
        undisturbed=undisturbed,
        conditions=tuple(disturbed),
        level_names=dict.fromkeys(names, "level"),
    )
    figure = robustness_figure(report, "title")
    figure.draw_without_rendering()
    shown = [axes for axes in figure.axes if axes.axison]
    assert len(shown) == len(names)
    assert max(axes.get_position().x1 for axes in shown) > 0.95
    assert min(axes.get_position().x0 for axes in shown) < 0.15
    assert min(axes.get_position().y0 for axes in shown) < 0.2


def test_what_cannot_be_measured_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "'bar' is one of images" in refused(capsys, "robustness", POLICY, "--disturbance", "bar")
    assert "seeds must be" in refused(capsys, "robustness", POLICY, "--seeds", 0)
    alone = load_policy(POLICY).replace(source=None)
    with pytest.raises(OptionError, match="carries no source network"):
        measure_robustness(alone)
    homeless = load_policy(POLICY).replace(env_id=None)
    with pytest.raises(OptionError, match="names no environment"):
        measure_robustness(homeless)
    message = refused(capsys, "robustness", POLICY, "--env", "MountainCar-v0")
    assert "(4,)" in message
    assert "(2,)" in message
