from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from command_calls import call, refused, table_rows
from simulators import dense_model

import dsqn_fast as df
from dsqn_fast.deploy.comparison import Side, compare, join
from dsqn_fast.deploy.verdict import judge
from dsqn_fast.deploy.verify import verify, verify_in_detail
from dsqn_fast.errors import ObservationError, OptionError

MODEL = dense_model([[[0.5, -0.25]], [[1.0, 0.5], [0.25, 1.0]], np.eye(2)], n_steps=12)
SEEN = np.array([[0.3], [-1.2], [2.0]])


def side(spikes: np.ndarray, potential: float = 0.0, action: int = 0) -> Side:
    batch = len(spikes)
    return Side(
        spikes={0: spikes},
        potentials=np.full((batch, 2), potential),
        actions=np.full(batch, action, np.int64),
    )


def test_the_same_is_exact() -> None:
    report = verify(MODEL, "reference", observations=SEEN)
    assert report.verdict.word == "exact"
    assert report.comparison is not None
    assert report.comparison.spike_mismatches == report.comparison.potentials_differ == 0
    assert report.comparison.layers[0].ours > 0
    assert json.loads(report.to_json())["agreement"]["share"] == 1.0
    assert report.source is None
    assert "equal to the last bit" in report.verdict.sentence


def test_one_spike_is_found(register: Callable[[str], str]) -> None:
    found = verify_in_detail(MODEL, register("Flipped"), observations=SEEN)
    comparison = found.report.comparison
    assert comparison is not None
    assert comparison.spike_mismatches == 1
    first = comparison.first_difference
    assert first is not None
    assert (first.layer, first.ours, first.theirs) == (2, 1, 0)
    assert found.report.verdict.word == "faithful"
    assert found.decision == first.decision
    step, neuron = first.step - 1, first.neuron
    assert (found.ours[1][step, neuron], found.theirs[1][step, neuron]) == (1, 0)
    assert "29.24%" in found.report.verdict.sentence  # 0.025 ** (1 / 3)


def test_another_action_is_approximate(register: Callable[[str], str]) -> None:
    options = {"amount": -100}
    report = verify(MODEL, register("Flipped"), observations=SEEN[2], options=options)
    assert report.verdict.word == "approximate"
    assert report.agreement is not None
    assert (report.agreement.equal, report.agreement.of) == (0, 1)
    assert report.as_shipped == report.agreement
    assert report.comparison is not None
    assert report.comparison.largest_potential_difference == 100


def test_the_first_difference_is_the_earliest_step() -> None:
    ours = np.zeros((2, 5, 3), np.int8)
    late, early = ours.copy(), ours.copy()
    late[0, 4, 1] = 1
    early[1, 2, 2] = 1
    both = join([compare(side(ours), side(late)), compare(side(ours), side(early))])
    assert both.first_difference is not None
    assert (both.first_difference.step, both.first_difference.decision) == (3, 1)
    assert (both.spike_mismatches, both.layers[0].counts_differ) == (2, 2)


def test_potentials_alone_do_not_make_a_policy_inexact() -> None:
    spikes = np.ones((4, 5, 3), np.int8)
    verdict = judge(compare(side(spikes), side(spikes, 1e-9)))
    assert verdict.word == "exact"
    assert "differ by rounding, at most 1e-09" in verdict.sentence


def test_infinite_potentials_are_no_json(register: Callable[[str], str]) -> None:
    ours = side(np.zeros((1, 2, 3), np.int8))
    gap = compare(ours, side(np.zeros((1, 2, 3), np.int8), np.inf))
    assert gap.to_dict()["largest_potential_difference"] is None


def test_what_is_unsupported_is_a_verdict() -> None:
    report = verify(MODEL.replace(decoding="first-spike"), "reference", observations=SEEN)
    assert report.verdict.word == "unsupported"
    assert report.comparison is None
    assert json.loads(report.to_json())["agreement"] is None


def test_observations_are_gathered_by_playing(policies: Path) -> None:
    model = df.load_policy(policies / "cartpole-dqn.npz")
    report = df.verify(model, "reference", decisions=30, n_steps=4, seed=1)
    assert report.observations == "30 visited by the policy in CartPole-v1, seed 1"
    assert report.verdict.word == "exact"
    assert report.source is not None
    assert report.source == report.engine_source


def test_wrong_arguments() -> None:
    with pytest.raises(OptionError, match="names no environment to play: give observations"):
        verify(MODEL, "reference")
    with pytest.raises(ObservationError, match="at least 1 observation, not 0"):
        verify(MODEL, "reference", observations=np.zeros((0, 1)))
    with pytest.raises(OptionError, match="decisions must be an integer"):
        verify(MODEL.replace(env_id="CartPole-v1"), "reference", decisions=0)


def test_the_command(capsys: pytest.CaptureFixture[str], policies: Path, tmp_path: Path) -> None:
    policy, seen = policies / "cartpole-dqn.npz", tmp_path / "seen.npy"
    np.save(seen, np.zeros((2, 4), np.float32))
    words = ("verify", policy, "--target", "reference", "--observations", seen, "-T", 5)
    rows = table_rows(call(capsys, *words, "--plot", tmp_path / "rasters.png"))
    assert rows["verdict"].startswith("exact: ")
    assert rows["differing spikes"] == "0"
    assert (tmp_path / "rasters.png").read_bytes().startswith(b"\x89PNG")
    data = json.loads(call(capsys, *words, "--json", "-"))
    assert data["verdict"] == "exact"
    assert data["comparison"]["decisions"] == 2


def test_the_command_refuses(
    capsys: pytest.CaptureFixture[str], policies: Path, tmp_path: Path
) -> None:
    words = ("verify", policies / "cartpole-dqn.npz", "--target")
    assert "target must be one of" in refused(capsys, *words, "nothing")
    assert "must end in .png" in refused(capsys, *words, "reference", "--plot", tmp_path / "a.txt")
    assert "NAME=VALUE, not 'a'" in refused(capsys, *words, "reference", "--option", "a")
    missing = refused(capsys, *words, "reference", "--observations", tmp_path / "none.npy")
    assert "none.npy" in missing
    export = ("export", "nothing", policies / "cartpole-dqn.npz", "-o", tmp_path / "out")
    assert "target must be one of" in refused(capsys, *export)
