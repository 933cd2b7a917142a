"""Short real runs on CartPole-v1: what is learned, kept, written and refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dsqn_fast.agents import AnnAgent, SpikingAgent
from dsqn_fast.errors import (
    EnvironmentMismatchError,
    OptionError,
    OutputPathError,
    TrainingError,
    UnknownEnvironmentError,
)
from dsqn_fast.evaluation import evaluate
from dsqn_fast.model import Dense
from dsqn_fast.model_io import load_policy
from dsqn_fast.training import TrainingReport, spiking_policy, train_dqn
from dsqn_fast.training import schedule as progress_module

pytest.importorskip("stable_baselines3")

SHORT = {"total_steps": "2500", "eval_every": "500", "eval_episodes": "5", "test_episodes": "10"}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> TrainingReport:
    folder = tmp_path_factory.mktemp("runs") / "first"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spiking_policy, "EPOCHS", 10)  # of 100, which take seconds
        return train_dqn("CartPole-v1", seed=3, changes=SHORT, n_steps=20, out=folder)


def test_a_short_run_plays_better_than_chance(report: TrainingReport) -> None:
    # A random policy balances for about 22 steps.
    assert report.test.mean_return > 60


def test_the_best_evaluation_is_kept(report: TrainingReport) -> None:
    assert [e.step for e in report.evaluations] == [500, 1000, 1500, 2000, 2500]
    assert report.best.rank == max(e.rank for e in report.evaluations)
    assert report.best.rank > min(e.rank for e in report.evaluations)
    again = evaluate(
        AnnAgent(report.ann),
        "CartPole-v1",
        episodes=5,
        seed=report.ann.provenance["trained"]["seeds"]["evaluation"],
    )
    assert again.mean == report.best.mean_return


def test_the_test_score_is_on_other_episodes(report: TrainingReport) -> None:
    seeds = report.ann.provenance["trained"]["seeds"]
    assert len(set(seeds.values())) == 3
    again = evaluate(AnnAgent(report.ann), "CartPole-v1", episodes=10, seed=seeds["test"])
    assert again.mean == report.test.mean_return


def test_the_folder_holds_the_run(report: TrainingReport) -> None:
    names = {path.name for path in report.folder.iterdir()}
    assert {"config.json", "versions.json", "evaluations.jsonl", "best.npz", "result.json"} <= names
    assert not [name for name in names if name.endswith(".part")]
    config = json.loads((report.folder / "config.json").read_text())
    assert config["settings"]["total_steps"] == 2500
    assert config["command"] == report.command
    made_with = json.loads((report.folder / "versions.json").read_text())["versions"]
    assert {"python", "numpy", "torch", "stable-baselines3", "gymnasium"} <= made_with.keys()
    lines = (report.folder / "evaluations.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [e.to_dict() for e in report.evaluations]
    result = json.loads((report.folder / "result.json").read_text())
    assert result["test"]["mean_return"] == report.test.mean_return


def test_the_best_weights_are_plain_arrays(report: TrainingReport) -> None:
    with np.load(report.folder / "best.npz", allow_pickle=False) as arrays:
        assert sorted(arrays) == ["b0", "b1", "b2", "w0", "w1", "w2"]
        for index, layer in enumerate(report.ann.layers):
            assert isinstance(layer, Dense)
            np.testing.assert_array_equal(arrays[f"w{index}"], layer.weight)
            np.testing.assert_array_equal(arrays[f"b{index}"], layer.bias)


def test_the_policy_is_converted_and_carries_its_origin(report: TrainingReport) -> None:
    model = load_policy(report.folder / "policy.npz")
    assert report.spiking is not None
    assert model.n_steps == report.spiking["n_steps"] == 20
    assert model.env_id == "CartPole-v1"
    assert model.source is not None
    for mine, kept in zip(report.ann.layers, model.source.layers, strict=True):
        assert isinstance(mine, Dense)
        assert isinstance(kept, Dense)
        np.testing.assert_array_equal(mine.weight, kept.weight)
    trained = model.provenance["source"]["trained"]
    assert trained["command"] == report.command
    assert "--n-steps 20" in report.command
    assert trained["settings"]["total_steps"] == 2500
    assert trained["seeds"]["training"] == 3
    assert "torch" in trained["versions"]
    again = evaluate(SpikingAgent(model), episodes=10, seed=trained["seeds"]["test"])
    assert again.mean == report.spiking["mean_return"]
    assert again.agreement == report.spiking["agreement"]
    assert report.spiking["agreement"] > 0.9


def test_the_learning_curve_is_a_picture(report: TrainingReport) -> None:
    pytest.importorskip("matplotlib")
    assert (report.folder / "learning-curve.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_seed_gives_the_same_weights(report: TrainingReport, tmp_path: Path) -> None:
    again = train_dqn("CartPole-v1", seed=3, changes=SHORT, n_steps=None, out=tmp_path / "again")
    shorter = {**SHORT, "total_steps": "1200"}
    other = train_dqn("CartPole-v1", seed=4, changes=shorter, n_steps=None, out=tmp_path / "other")
    assert [e.to_dict() for e in again.evaluations] == [e.to_dict() for e in report.evaluations]
    for mine, same, different in zip(
        report.ann.layers, again.ann.layers, other.ann.layers, strict=True
    ):
        assert isinstance(mine, Dense)
        assert isinstance(same, Dense)
        assert isinstance(different, Dense)
        np.testing.assert_array_equal(mine.weight, same.weight)
        assert not np.array_equal(mine.weight, different.weight)


def test_the_thesis_preset_trains(tmp_path: Path) -> None:
    report = train_dqn(
        "MountainCar-v0",
        preset="thesis",
        changes={**SHORT, "total_steps": "1000", "hidden": "[8]"},
        n_steps=None,
        out=tmp_path / "run",
    )
    assert report.model is None
    assert not (report.folder / "policy.npz").exists()
    assert "--preset thesis" in report.command
    assert "--no-convert" in report.command
    # Evaluated on the true reward: -1 per step, 200 steps at most.
    assert report.test.mean_return == -200
    assert report.ann.input_shape == (2,)


def test_progress_is_told(tmp_path: Path) -> None:
    states: list[progress_module.TrainingProgress] = []
    changes = {**SHORT, "total_steps": "1000", "eval_every": "400"}
    train_dqn(
        "CartPole-v1",
        changes=changes,
        n_steps=None,
        out=tmp_path / "run",
        progress=states.append,
    )
    assert [state.step for state in states] == list(range(100, 1001, 100))
    assert states[0].mean_return is None
    assert states[-1].best is not None
    assert states[-1].total_steps == 1000


def test_a_loss_that_is_not_finite_ends_the_run(tmp_path: Path) -> None:
    changes = {**SHORT, "learning_rate": "1e11", "clip": "1e12", "learning_starts": "600"}
    with pytest.raises(TrainingError, match=r"the loss became (nan|inf) at step \d+"):
        train_dqn("CartPole-v1", changes=changes, out=tmp_path / "run")
    with np.load(tmp_path / "run" / "best.npz") as arrays:
        assert all(np.isfinite(array).all() for array in arrays.values())


@pytest.mark.parametrize(
    ("env_id", "changes", "error", "message"),
    [
        ("CartPol-v1", {}, UnknownEnvironmentError, "nearest is 'CartPole-v1'"),
        ("Pendulum-v1", {}, EnvironmentMismatchError, "discrete"),
        ("FrozenLake-v1", {}, EnvironmentMismatchError, "vectors"),
        ("CartPole-v1", {"reward": "mountain-car"}, EnvironmentMismatchError, "MountainCar"),
        ("CartPole-v1", {"observation_scale": "[1, 2]"}, OptionError, "2 values, but .* have 4"),
        ("CartPole-v1", {"gama": "0.9"}, OptionError, "did you mean 'gamma'"),
    ],
)
def test_bad_input_is_refused_before_a_folder_is_made(
    env_id: str, changes: dict[str, str], error: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        train_dqn(env_id, changes=changes, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_bad_time_steps_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="n_steps must be"):
        train_dqn("CartPole-v1", n_steps=0, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, True])
def test_bad_seeds_are_refused(seed: int, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="seed"):
        train_dqn("CartPole-v1", seed=seed, out=tmp_path / "run")


def test_a_folder_is_never_overwritten(report: TrainingReport) -> None:
    before = (report.folder / "best.npz").read_bytes()
    with pytest.raises(OutputPathError, match="already holds a run"):
        train_dqn("CartPole-v1", out=report.folder, changes=SHORT)
    assert (report.folder / "best.npz").read_bytes() == before


def test_an_impossible_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputPathError, match="cannot be made"):
        train_dqn("CartPole-v1", out=tmp_path / "file" / "run")


@pytest.mark.parametrize("missing", ["torch", "stable_baselines3"])
def test_a_missing_extra_is_told_how_to_install(missing: str, tmp_path: Path) -> None:
    script = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from dsqn_fast.errors import MissingExtraError\n"
        "from dsqn_fast.training import train_dqn\n"
        "try:\n    train_dqn('CartPole-v1', out=sys.argv[1])\n"
        "except MissingExtraError as error:\n    print(error)\n"
    )
    words = [sys.executable, "-c", script, str(tmp_path / "run")]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert f"needs {missing}" in done.stdout
    assert 'pip install "dsqn-fast[train]"' in done.stdout
    assert not (tmp_path / "run").exists()
