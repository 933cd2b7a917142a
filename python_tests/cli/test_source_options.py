from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command_calls import call, refused

import dsqn_fast as df

POLICY = Path(__file__).parents[2] / "policies" / "cartpole-dqn.npz"


@pytest.fixture
def network(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    path = tmp_path / "net.npz"
    weights = {"w0": rng.normal(size=(4, 16)), "w1": rng.normal(size=(16, 2))}
    np.savez(path, **weights)
    return path


@pytest.fixture
def statistics(tmp_path: Path) -> Path:
    path = tmp_path / "statistics.npz"
    np.savez(path, mean=np.array([0.5, 0.0, -0.5, 1.0]), var=np.array([4.0, 1.0, 0.25, 9.0]))
    return path


def test_the_source_is_read_as_load_ann_reads_it(
    network: Path, statistics: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--source-option", f"observation_statistics={statistics}"]
    words += ["--source-option", "input_scale=0.5", "--env", "CartPole-v1"]
    out = tmp_path / "policy.npz"
    named = ["--normalization", "channel", "-T", 16, "--calibrate-episodes", 2]
    shown = call(capsys, "convert", network, "-o", out, *named, *words)
    assert "VecNormalize" in " ".join(shown.split())
    source = df.load_policy(out).source
    assert source is not None
    same = df.load_ann(network, observation_statistics=statistics, input_scale=0.5)
    states = np.random.default_rng(1).normal(size=(8, 4)).astype(np.float32)
    assert np.array_equal(source.forward(states), same.forward(states))
    assert not np.array_equal(source.forward(states), df.load_ann(network).forward(states))
    call(capsys, "diagnose", network, "-T", 16, "--calibrate-episodes", 2, *words)


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("input_shap=4", "did you mean 'input_shape'?"),
        ("colour=red", "use one of input_shape"),
        ("input_shape", "takes NAME=VALUE, not 'input_shape'"),
        ("input_shape=4,x", "not '4,x'"),
        ("input_shape=5", "5"),
        ("channels_first=maybe", "true or false, not 'maybe'"),
        ("input_scale=big", "a number, not 'big'"),
        ("input_scale=0", "not 0"),
        ("preprocessing=mnhi", "'mnhi'"),
        ("observation_statistics=none.npz", "none.npz"),
    ],
)
@pytest.mark.parametrize("command", ["convert", "diagnose"])
def test_wrong_words_are_refused(
    command: str, word: str, says: str, network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [command, network, "--env", "CartPole-v1", "-T", 16, "--source-option", word]
    out = network.with_name("policy.npz")
    assert says in refused(capsys, *words, *(["-o", out] if command == "convert" else []))
    assert not out.exists()


def test_words_that_would_change_nothing_are_refused(
    network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    word = ["--source-option", "input_scale=0.5"]
    out = tmp_path / "policy.npz"
    assert "is a policy file" in refused(capsys, "diagnose", POLICY, "-T", 16, *word)
    assert "is a policy file" in refused(capsys, "convert", POLICY, "-o", out, "-T", 16, *word)
    words = ["convert", network, "-o", out, "--env", "CartPole-v1", "--distill", *word]
    assert "--distill" in refused(capsys, *words)
