"""`dsqn-fast train classifier` and its spiking kin, from the teacher to the policy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dsqn_fast.cli.main import main
from dsqn_fast.errors import TrainingError
from dsqn_fast.importers import load_ann
from dsqn_fast.model_io import load_policy
from dsqn_fast.statistics import paired_comparison

pytest.importorskip("stable_baselines3")

from dsqn_fast.training import train_policy

CHANGES: dict[str, Any] = {
    "hidden": "[12]", "states": 800, "rounds": 1, "round_states": 400, "epochs": 6,
    "batch_size": 64, "eval_every": 4, "eval_episodes": 3, "test_episodes": 6,
    "checkpoint_every": 2, "learning_rate": 0.01,
}  # fmt: skip
METHODS = ("classifier", "spiking-classifier", "erbp-classifier")
# Enough for a conversion without fine-tuning, which takes seconds.
N_STEPS = dict(zip(METHODS, (64, 8, 8), strict=True))


def train(method: str, policies: Path, out: Path, **options: Any) -> Any:
    teacher = options.pop("teacher", policies / "cartpole-dqn.npz")
    rate = {"learning_rate": 0.5} if method == "erbp-classifier" else {}
    changes = {**CHANGES, **rate, "teacher": str(teacher), **options.pop("changes", {})}
    return train_policy(method, "CartPole-v1", seed=4, changes=changes, out=out, **options)


@pytest.fixture(scope="module")
def runs(policies: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    root = tmp_path_factory.mktemp("runs")
    return {
        method: train(method, policies, root / method, n_steps=N_STEPS[method])
        for method in METHODS
    }


@pytest.mark.parametrize("method", METHODS)
def test_a_classifier_becomes_a_policy(runs: dict[str, Any], method: str, policies: Path) -> None:
    report = runs[method]
    assert [one.step for one in report.evaluations] == [4, 8, 12]
    model = load_policy(report.folder / "policy.npz")
    assert model.n_steps == N_STEPS[method]
    assert (model.source is not None) == (method == "classifier")
    trained = (model.source or model).provenance
    assert trained["teacher"]["file"] == "cartpole-dqn.npz"
    assert trained["teacher"]["command"].startswith("dsqn-fast train dqn --env CartPole-v1")
    assert trained["lessons"]["states"] in (800, 1200)
    assert 0.5 < trained["lessons"]["accuracy"] <= 1.0
    replay = np.load(report.folder / "replay.npz")["observations"]
    assert replay.shape == (1200, 4)
    teacher = report.teacher
    assert teacher["mean_return"] == 500.0
    assert teacher["spiking"]["difference"] == pytest.approx(report.spiking["mean_return"] - 500)
    assert teacher["spiking"]["share"] == pytest.approx(report.spiking["mean_return"] / 500 - 1)
    assert 0.5 < teacher["spiking"]["agreement"] <= 1.0
    assert ("network" in teacher) == (method == "classifier")
    pair = paired_comparison([report.spiking["mean_return"] - 500], [0.0])
    assert teacher["spiking"]["wins"] == pair.wins == 0


def test_an_interrupted_course_goes_on_to_the_same_end(
    runs: dict[str, Any], policies: Path, tmp_path: Path
) -> None:
    method, folder = "spiking-classifier", tmp_path / "run"
    whole = runs[method]

    def stop(progress: Any) -> None:
        if progress.step == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(method, policies, folder, n_steps=8, progress=stop)
    assert not (folder / "result.json").exists()
    resumed = train(method, policies, folder, n_steps=8, resume=True)
    for name in ("evaluations.jsonl", "best.npz", "replay.npz"):
        assert (folder / name).read_bytes() == (whole.folder / name).read_bytes()
    assert resumed.teacher == whole.teacher


def test_another_teacher_is_not_taken_up(policies: Path, tmp_path: Path) -> None:
    teacher = tmp_path / "teacher.npz"
    teacher.write_bytes((policies / "cartpole-dqn.npz").read_bytes())

    def stop(progress: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train("classifier", policies, tmp_path / "run", teacher=teacher, progress=stop)
    load_policy(teacher).replace(n_steps=9).save(teacher)
    with pytest.raises(TrainingError, match=r"had the SHA-256 \w+\.\.\., but has"):
        train("classifier", policies, tmp_path / "run", teacher=teacher, resume=True)


def test_a_run_teaches_from_a_file_of_states(
    runs: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    teacher = runs["spiking-classifier"].folder
    words = ["train", "classifier", "--env", "CartPole-v1", "--teacher", str(teacher)]
    words += ["--observations", str(teacher / "replay.npz"), "--dagger", "0", "--no-convert"]
    words += ["--set=epochs=40", "--set=learning_rate=0.01", "--set=batch_size=64"]
    words += ["--set=eval_episodes=2", "--set=test_episodes=2"]
    assert main([*words, "--out", str(tmp_path / "run"), "--json", "-"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["spiking"] is None
    assert result["teacher"]["file"] == "policy.npz"
    ann = load_ann(tmp_path / "run" / "best.npz")
    states = np.load(teacher / "replay.npz")["observations"]
    from dsqn_fast.agents import SpikingAgent

    wanted = SpikingAgent(load_policy(teacher / "policy.npz")).simulate(states).actions
    assert (ann.forward(states).argmax(axis=1) == wanted).mean() > 0.9


def test_the_rule_erbp_is_a_method(
    policies: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "classifier", "--rule", "erbp", "--env", "CartPole-v1"]
    words += ["--teacher", str(policies / "cartpole-dqn.npz"), "--dagger", "0", "--n-steps", "5"]
    words += [f"--set={name}=2" for name in ("epochs", "eval_episodes", "test_episodes")]
    assert main([*words, "--set", "states=300", "--out", str(tmp_path / "run")]) == 0
    assert "spiking policy less teacher" in capsys.readouterr().out
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (config["method"], config["settings"]["n_steps"]) == ("erbp-classifier", 5)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["classifier"], "needs a teacher"),
        (["classifier", "--teacher", "/no/such.npz"], "there is no teacher"),
        (["classifier", "--teacher", "CARTPOLE", "--env", "MountainCar-v0"], "shape (4,)"),
        (["classifier", "--teacher", "CARTPOLE", "--observations", "/no"], "no file '/no'"),
        (["classifier", "--teacher", "CARTPOLE", "--dagger", "-1"], "rounds must be from 0"),
        (["classifier", "--teacher", "CARTPOLE", "--set", "hiden=[8]"], "did you mean 'hidden'"),
        (["classifier", "--teacher", "CARTPOLE", "--rule", "erpb"], "did you mean 'erbp'"),
        (["spiking-classifier", "--teacher", "CARTPOLE", "--set", "hidden=[]"], "hidden layer"),
        (["spiking-classifier", "--teacher", "CARTPOLE", "--timing", "nst"], "mean 'nest'"),
        (["dqn", "--rule", "erbp"], "belongs to the method classifier"),
        (["dqn", "--teacher", "CARTPOLE"], "no setting 'teacher'"),
    ],
)
def test_bad_input_is_one_sentence(
    words: list[str],
    message: str,
    policies: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    typed = [str(policies / "cartpole-dqn.npz") if w == "CARTPOLE" else w for w in words]
    env = [] if "--env" in words else ["--env", "CartPole-v1"]
    assert main(["train", *typed, *env, "--out", str(tmp_path / "run")]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert not (tmp_path / "run").exists()
