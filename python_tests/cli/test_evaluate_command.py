"""`dsqn-fast evaluate`: the source network plays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from child_processes import output_of
from command_calls import bad_policy_files, call, process, refused, table_rows

from dsqn_fast.agents import AnnAgent
from dsqn_fast.evaluation import evaluate
from dsqn_fast.model_io import load_policy


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A plain .npz network that pushes the cart to where the pole leans."""
    path = tmp_path / "net.npz"
    weight = np.array([[0.0, 0.0], [0.0, 0.0], [-1.0, 1.0], [-1.0, 1.0]])
    np.savez(path, w0=weight)
    return path


def test_the_source_of_a_policy_plays(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["evaluate", shipped, "--episodes", 4, "--seed", 2, "--max-episode-steps", 50]
    data = json.loads(call(capsys, *words, "--json", "-"))
    source = load_policy(shipped).source
    assert source is not None
    wanted = evaluate(
        AnnAgent(source), "CartPole-v1", episodes=4, seed=2, max_episode_steps=50
    ).to_dict()
    del wanted["decisions_per_second"]
    assert {name: data[name] for name in wanted} == wanted
    assert data["agreement"] is data["spikes_per_decision"] is None
    assert data["source"] == str(shipped)
    rows = table_rows(call(capsys, *words))
    assert rows["mean return"] == f"{data['mean_return']:.2f}"
    assert (rows["episodes"], rows["seed"]) == ("4", "2")


def test_a_plain_network_plays_the_environment_that_is_named(
    network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", network, "--episodes", 5, "--env", "CartPole-v1", "--json", "-"]
    data = json.loads(call(capsys, *words))
    assert data["mean_return"] > 100
    assert data["env_id"] == "CartPole-v1"


def test_a_json_file_appears_whole(
    network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "e.json"
    words = ["evaluate", network, "--env", "CartPole-v1", "--episodes", 1, "--json", target]
    assert "mean return" in call(capsys, *words)
    data = json.loads(target.read_text())
    assert (data["ci_low"], data["ci_high"]) == (None, None)
    assert sorted(tmp_path.iterdir()) == [target, network]


def test_no_torch_is_imported_for_files_without_it(shipped: Path, network: Path) -> None:
    script = f"""
import sys
from dsqn_fast.cli.main import main
for path in ({str(shipped)!r}, {str(network)!r}):
    words = ["evaluate", path, "--episodes", "1", "--env", "CartPole-v1"]
    assert main([*words, "--max-episode-steps", "5"]) == 0
print("torch" in sys.modules, "matplotlib" in sys.modules)
"""
    assert output_of("-c", script).endswith("False False\n")


@pytest.mark.parametrize("kind", ["missing", "folder", "text", "array", "cut", "version", "nan"])
def test_files_that_are_no_sources(
    kind: str, shipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, message = bad_policy_files(tmp_path, shipped)[kind]
    before = sorted(tmp_path.iterdir())
    words = ["--env", "CartPole-v1", "--json", tmp_path / "e.json"]
    assert message in refused(capsys, "evaluate", path, *words)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--episodes", 0], "episodes must be an integer from 1 to 16777216, not 0"),
        (["--seed", -1], "not -1"),
        (["--max-episode-steps", 2**40], "not 1099511627776"),
        (["--env", "CartPole-v7"], "the nearest is 'CartPole-v1'"),
        (["--env", "Pendulum-v1"], "but Pendulum-v1 has a continuous space"),
        (["--json", "no/such/folder/e.json"], "there is no folder"),
    ],
)
def test_bad_options_are_one_sentence(
    words: list[Any], message: str, network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    env = [] if "--env" in words else ["--env", "CartPole-v1"]
    assert message in refused(capsys, "evaluate", network, *env, *words)


def test_what_is_missing_is_named(
    network: Path, noisy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "names no environment" in refused(capsys, "evaluate", network)
    assert "does not carry its source" in refused(capsys, "evaluate", noisy)
    assert "too long" in refused(capsys, "evaluate", "n" * 300)


def test_a_refusal_of_the_program_in_its_own_process(tmp_path: Path) -> None:
    code, out, errors = process("evaluate", tmp_path / "missing.zip")
    assert (code, out, errors.count("\n")) == (2, "", 1)
    assert "missing.zip" in errors
