"""`dsqn-fast train` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dsqn_fast.cli.main import main

pytest.importorskip("stable_baselines3")

SHORT = ["--steps", "1500", "--set", "eval_episodes=5", "--set", "test_episodes=5"]


def test_a_run_prints_its_result_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dsqn_fast.training.spiking_policy.EPOCHS", 5)  # of 100, which take seconds
    folder = tmp_path / "run"
    words = ["train", "dqn", "--env", "CartPole-v1", "--seed", "2", *SHORT, "--n-steps", "8"]
    assert main([*words, "--out", str(folder), "--json", "-"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["seed"] == 2
    assert result["test"]["episodes"] == 5
    assert result["spiking"]["n_steps"] == 8
    assert result == json.loads((folder / "result.json").read_text())
    assert main(["run", str(folder / "policy.npz"), "--episodes", "2"]) == 0
    assert "8" in capsys.readouterr().out


def test_a_run_prints_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "dqn", "--env", "CartPole-v1", *SHORT, "--no-convert"]
    assert main([*words, "--out", str(tmp_path / "run")]) == 0
    assert "return over 5 fresh episodes" in capsys.readouterr().out
    assert not (tmp_path / "run" / "policy.npz").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dqm", "--env", "CartPole-v1"], "did you mean 'dqn'"),
        (["dqn", "--env", "CartPol-v1"], "nearest is 'CartPole-v1'"),
        (["dqn", "--env", "Pendulum-v1"], "discrete"),
        (["dqn", "--env", "CartPole-v1", "--preset", "thesys"], "did you mean 'thesis'"),
        (["dqn", "--env", "CartPole-v1", "--set", "gama=1"], "did you mean 'gamma'"),
        (["dqn", "--env", "CartPole-v1", "--set", "gamma"], "NAME=VALUE"),
        (["dqn", "--env", "CartPole-v1", "--steps", "9", "--set", "total_steps=8"], "given twice"),
        (["dqn", "--env", "CartPole-v1", "--steps", "0"], "total_steps must be an integer from 1"),
        (["dqn", "--env", "CartPole-v1", "--n-steps", "0"], "n_steps must be"),
        (["dqn", "--env", "CartPole-v1", "--seed", "-1"], "seed must be from 0"),
        (["dqn", "--env", "CartPole-v1", "--json", "/no/such/folder/x.json"], "no folder"),
        (["dqn"], "--env"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *words, "--out", str(tmp_path / "run")]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert not (tmp_path / "run").exists()
