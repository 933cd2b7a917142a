"""What every training method must do: repeat itself, resume, and keep the best network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dsqn_fast.agents import AnnAgent, SpikingAgent
from dsqn_fast.errors import OptionError, TrainingError, UnsupportedError
from dsqn_fast.evaluation import evaluate
from dsqn_fast.model import AnnModel, SpikingModel
from dsqn_fast.model_io import load_policy
from dsqn_fast.reference import simulate_reference
from dsqn_fast.training import TrainingReport, rewards, train_policy
from dsqn_fast.training.network_arrays import plain_arrays
from dsqn_fast.training.schedule import TrainingProgress

pytest.importorskip("stable_baselines3")

SHORT = {
    "total_steps": 900,
    "hidden": [8],
    "eval_every": 300,
    "eval_episodes": 2,
    "test_episodes": 3,
    "checkpoint_every": 100,
}
OWN: dict[str, dict[str, Any]] = {
    "double-dqn": {"learning_starts": 100, "buffer_size": 500},
    "dsqn": {"learning_starts": 100, "n_steps": 6, "timing": "nest", "spike_cost": 1e-3},
    "a2c": {"n_envs": 3},
    "ppo": {"n_envs": 2, "rollout_steps": 50, "batch_size": 50, "epochs": 2},
    "reinforce": {"n_envs": 4},
}
METHODS = tuple(OWN)


class CrashError(Exception):
    """The end of a process, as far as files are concerned."""


def train(method: str, folder: Path, **options: Any) -> TrainingReport:
    changes = {**SHORT, **OWN[method], **options.pop("changes", {})}
    options = {"seed": 5, "n_steps": None, "out": folder, **options}
    return train_policy(method, "CartPole-v1", changes=changes, **options)


@pytest.fixture(scope="module", params=METHODS)
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return train(request.param, tmp_path_factory.mktemp("runs") / "whole")


def test_a_run_keeps_its_best_network(whole: TrainingReport) -> None:
    assert len(whole.evaluations) == 3
    assert [e.step // 300 for e in whole.evaluations] == [1, 2, 3]
    assert whole.best.rank == max(e.rank for e in whole.evaluations)
    with np.load(whole.folder / "best.npz", allow_pickle=False) as arrays:
        for name, array in plain_arrays(whole.network).items():
            np.testing.assert_array_equal(arrays[name], array)
    network = whole.network
    agent: Any = AnnAgent(network) if isinstance(network, AnnModel) else SpikingAgent(network)
    seed = network.provenance["trained"]["seeds"]["test"]
    assert evaluate(agent, "CartPole-v1", episodes=3, seed=seed).mean == whole.test.mean_return
    result = json.loads((whole.folder / "result.json").read_text())
    assert result["method"] == whole.method
    assert result["cpu_seconds"] > 0
    assert f"train {whole.method} " in result["command"]


def test_a_crashed_run_goes_on_to_the_same_weights(whole: TrainingReport, tmp_path: Path) -> None:
    """Also tells that the same seed gives the same weights: nothing but files is shared."""

    def crash(state: TrainingProgress) -> None:
        if state.step >= 400:
            raise CrashError

    folder = tmp_path / "run"
    with pytest.raises(CrashError):
        train(whole.method, folder, progress=crash)
    assert (folder / "checkpoint.pt").exists()
    resumed = train(whole.method, folder, resume=True)
    assert resumed.test == whole.test
    for name in ("evaluations.jsonl", "best.npz"):
        assert (folder / name).read_bytes() == (whole.folder / name).read_bytes()


def test_another_seed_gives_other_weights(whole: TrainingReport, tmp_path: Path) -> None:
    other = train(whole.method, tmp_path / "run", seed=6, changes={"total_steps": 300})
    mine, others = plain_arrays(whole.network)["w0"], plain_arrays(other.network)["w0"]
    assert not np.array_equal(mine, others)


def test_the_log_can_be_read_by_tensorboard(whole: TrainingReport) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

    found = {}
    for path in sorted((whole.folder / "tensorboard").iterdir()):
        for event in LegacyEventFileLoader(str(path)).Load():
            for value in event.summary.value:
                found[value.tag, event.step] = value.simple_value
    for evaluation in whole.evaluations:
        logged = found["eval/mean_return", evaluation.step]
        assert logged == pytest.approx(evaluation.mean_return, rel=1e-6)


def test_replay_holds_the_states_that_were_seen(whole: TrainingReport) -> None:
    path = whole.folder / "replay.npz"
    if whole.method not in ("double-dqn", "dsqn"):
        assert not path.exists()
        return
    with np.load(path, allow_pickle=False) as arrays:
        seen = arrays["observations"]
    assert seen.shape == (500 if whole.method == "double-dqn" else 900, 4)
    # The cart starts within 0.05 of the middle: the scaling was taken back.
    starts = np.abs(seen).max(axis=1) < 0.0501
    assert starts.sum() > 5
    assert np.abs(seen[:, 2]).max() < 0.5


def test_a_spiking_network_is_a_policy_as_it_is(whole: TrainingReport) -> None:
    if whole.method != "dsqn":
        assert isinstance(whole.network, AnnModel)
        assert whole.ann is whole.network
        assert whole.model is None
        return
    assert isinstance(whole.network, SpikingModel)
    model = load_policy(whole.folder / "policy.npz")
    assert (model.timing, model.n_steps) == ("nest", 6)
    assert model.provenance["test"]["mean_return"] == whole.test.mean_return
    assert model.provenance["trained"]["settings"]["spike_cost"] == 1e-3
    assert whole.best.spikes_per_decision is not None
    assert whole.best.quantised_agreement is None
    with pytest.raises(UnsupportedError, match="trains a spiking network"):
        _ = whole.ann


def test_a_policy_for_nest_decides_alike_in_double_precision_with_its_decay(
    whole: TrainingReport,
) -> None:
    """NEST's decay of the potential per step is exp(-2**-33), not 1."""
    if whole.method != "dsqn":
        return
    from dataclasses import replace

    model = load_policy(whole.folder / "policy.npz")
    leaking = model.replace(neuron=replace(model.neuron, beta=float(np.exp(-(2.0**-33)))))
    with np.load(whole.folder / "replay.npz") as arrays:
        seen = arrays["observations"]
    plain = simulate_reference(model, seen).actions
    np.testing.assert_array_equal(
        plain, simulate_reference(leaking, seen, precision="float64").actions
    )
    assert len(set(plain.tolist())) == 2


@pytest.mark.parametrize("method", METHODS)
def test_a_loss_that_is_not_finite_ends_the_run(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewards, "FAILURE_REWARD", float("nan"))
    changes = {"eval_every": 20, **({"rollout_steps": 50} if method == "a2c" else {})}
    with pytest.raises(TrainingError, match=r"became .* at step \d+, where (a )?finite number"):
        train(method, tmp_path / "run", changes={**changes, "reward": "failure"})
    with np.load(tmp_path / "run" / "best.npz") as arrays:
        assert all(np.isfinite(array).all() for array in arrays.values())
    assert not (tmp_path / "run" / "result.json").exists()


@pytest.mark.parametrize(
    ("method", "changes", "message"),
    [
        ("dqn", {"double_q": True}, "use the method 'double-dqn'"),
        ("double-dqn", {"double_q": False}, "use the method 'dqn'"),
        ("dsqm", {}, "did you mean 'dsqn'"),
        ("dsqn", {"timing": "nets"}, "did you mean 'nest'"),
        ("dsqn", {"surrogate": "step"}, "surrogate must be one of"),
        ("dsqn", {"hidden": []}, "needs a hidden layer"),
        ("dsqn", {"beta": 0}, "beta must be a number from"),
        ("ppo", {"batch_size": 7}, "batch_size must divide the 256 steps"),
        ("ppo", {"bufer_size": 7}, "there is no setting 'bufer_size'"),
        ("reinforce", {"n_envs": 1}, "at least 2 episodes"),
        ("reinforce", {"baseline": "steps"}, "did you mean 'step'"),
        ("a2c", {"gae_lambda": 1.5}, "gae_lambda must be a number"),
    ],
)
def test_bad_settings_are_refused_before_a_folder_is_made(
    method: str, changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match=message):
        train_policy(method, "CartPole-v1", changes=changes, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_unknown_preset_names_those_of_the_method(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="preset of ppo must be one of default, not 'thesis'"):
        train_policy("ppo", "CartPole-v1", preset="thesis", out=tmp_path / "run")


def test_time_steps_of_a_spiking_network_are_given_once(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="n_steps is given twice, as 8 and 9"):
        train_policy("dsqn", "CartPole-v1", n_steps=8, changes={"n_steps": 9}, out=tmp_path / "run")
