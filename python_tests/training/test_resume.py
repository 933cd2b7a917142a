"""Runs that were killed and go on as if nothing had been."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from dsqn_fast.errors import TrainingError
from dsqn_fast.training import TrainingReport, train_dqn, train_policy
from dsqn_fast.training.replayable_environment import ReplayableEnvironment

pytest.importorskip("stable_baselines3")

CHANGES = {
    "total_steps": "1200",
    "learning_starts": "150",
    "eval_every": "200",
    "eval_episodes": "3",
    "test_episodes": "3",
    "checkpoint_every": "160",
}
SPIKING = {**CHANGES, "total_steps": "600", "hidden": "[8]", "n_steps": "6"}
SCRIPT = """
import json, sys
from dsqn_fast.training import train_policy
method, changes, folder = sys.argv[1:]
train_policy(
    method, "CartPole-v1", seed=5, changes=json.loads(changes), n_steps=None, out=folder
)
"""


def train(folder: Path, **options: bool) -> TrainingReport:
    return train_dqn("CartPole-v1", seed=5, changes=CHANGES, n_steps=None, out=folder, **options)


def kill_after(
    folder: Path, step: int, method: str = "dqn", changes: dict[str, str] = CHANGES
) -> None:
    """Start a run in a process of its own and kill it after the evaluation at ``step``."""
    words = [sys.executable, "-c", SCRIPT, method, json.dumps(changes), str(folder)]
    process = subprocess.Popen(words, env={**os.environ, "OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 120
    path = folder / "evaluations.jsonl"
    while not (path.exists() and f'"step": {step},' in path.read_text()):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> TrainingReport:
    return train(tmp_path_factory.mktemp("runs") / "whole")


@pytest.mark.parametrize("step", [200, 600])
def test_a_killed_run_goes_on_to_the_same_end(
    whole: TrainingReport, step: int, tmp_path: Path
) -> None:
    folder = tmp_path / "killed"
    kill_after(folder, step)
    assert not (folder / "result.json").exists()
    assert (folder / "checkpoint.pt").exists()
    resumed = train(folder, resume=True)
    assert [e.to_dict() for e in resumed.evaluations] == [e.to_dict() for e in whole.evaluations]
    assert resumed.test == whole.test
    for name in ("evaluations.jsonl", "best.npz"):
        assert (folder / name).read_bytes() == (whole.folder / name).read_bytes()


def test_a_killed_spiking_run_goes_on_to_the_same_end(tmp_path: Path) -> None:
    options: dict[str, Any] = {"seed": 5, "changes": SPIKING, "n_steps": None}
    whole = train_policy("dsqn", "CartPole-v1", out=tmp_path / "whole", **options)
    kill_after(tmp_path / "killed", 200, "dsqn", SPIKING)
    resumed = train_policy("dsqn", "CartPole-v1", out=tmp_path / "killed", resume=True, **options)
    assert resumed.test == whole.test
    for name in ("evaluations.jsonl", "best.npz", "replay.npz"):
        assert (tmp_path / "killed" / name).read_bytes() == (whole.folder / name).read_bytes()


def test_a_run_without_a_checkpoint_starts_again(whole: TrainingReport, tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    kill_after(folder, 200)
    (folder / "checkpoint.pt").unlink()
    resumed = train(folder, resume=True)
    assert (folder / "evaluations.jsonl").read_text() == (
        whole.folder / "evaluations.jsonl"
    ).read_text()
    assert resumed.test == whole.test


def test_a_finished_run_is_not_resumed(whole: TrainingReport) -> None:
    with pytest.raises(TrainingError, match="is finished"):
        train(whole.folder, resume=True)


def test_no_run_to_resume(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="holds no run to resume"):
        train(tmp_path / "nothing", resume=True)


def unfinished(whole: TrainingReport, tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    folder.mkdir()
    for path in whole.folder.iterdir():
        if path.is_file() and path.name != "result.json":
            (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_another_config_is_refused_by_name(whole: TrainingReport, tmp_path: Path) -> None:
    folder = unfinished(whole, tmp_path)
    with pytest.raises(TrainingError, match=r"settings\.gamma = 0\.99, not 0\.9"):
        train_dqn(
            "CartPole-v1",
            seed=5,
            changes={**CHANGES, "gamma": "0.9"},
            n_steps=None,
            out=folder,
            resume=True,
        )
    with pytest.raises(TrainingError, match=r"seeds\.\w+ = \d+, not \d+"):
        train_dqn("CartPole-v1", seed=6, changes=CHANGES, n_steps=None, out=folder, resume=True)


class Harmful:
    """Would make a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "pickle", "text"])
def test_damaged_checkpoints_are_refused(
    whole: TrainingReport, damage: str, tmp_path: Path
) -> None:
    folder = unfinished(whole, tmp_path)
    path = folder / "checkpoint.pt"
    data = path.read_bytes()
    trap = tmp_path / "executed"
    middle = len(data) // 2
    path.write_bytes(
        {
            "cut": data[:middle],
            "flipped": data[:-40] + bytes(byte ^ 0xFF for byte in data[-40:]),
            "empty": b"",
            "pickle": pickle.dumps(Harmful(trap)),
            "text": b"not a checkpoint",
        }[damage]
    )
    with pytest.raises(TrainingError, match="is not a checkpoint of this run"):
        train(folder, resume=True)
    assert not trap.exists()


@pytest.mark.parametrize("env_id", ["CartPole-v1", "MountainCar-v0", "Acrobot-v1"])
def test_a_moment_is_found_again(env_id: str) -> None:
    one = ReplayableEnvironment(gymnasium.make(env_id))
    rng = np.random.default_rng(0)
    one.reset(seed=7)
    for _ in range(3):
        for _ in range(6):
            observation, *_ = one.step(int(rng.integers(2)))
        two = ReplayableEnvironment(gymnasium.make(env_id))
        np.testing.assert_array_equal(two.come_back(one.moment()), observation)
        np.testing.assert_array_equal(one.step(1)[0], two.step(1)[0])
        np.testing.assert_array_equal(one.reset()[0], two.reset()[0])


def test_a_moment_of_something_else_is_refused() -> None:
    env = ReplayableEnvironment(gymnasium.make("CartPole-v1"))
    with pytest.raises(TrainingError, match="moment"):
        env.come_back({"random_state": {"bit_generator": "other"}, "actions": [], "seed": None})
