"""The policy that is shipped for Breakout: small enough, and it plays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dsqn_fast.agents import SpikingAgent
from dsqn_fast.environments import make_environment
from dsqn_fast.evaluation import evaluate
from dsqn_fast.model_io import load_policy

pytest.importorskip("ale_py")


def test_the_file_is_small_and_tells_how_it_was_made(policies: Path) -> None:
    path = policies / "breakout-cnn.npz"
    assert path.stat().st_size < 8e6
    model = load_policy(path)
    assert model.env_id == "ALE/Breakout-v5"
    assert model.preprocessing == {"name": "mnih", "unit": True}
    assert model.source is not None
    trained = model.source.provenance["trained"]
    assert trained["steps"] > 1e6
    returns = [mean for _, mean in trained["learning_curve"]]
    assert returns[0] < 2 < 30 < returns[-1]
    with np.load(path, allow_pickle=False) as file:
        assert file["layer0.weight"].dtype == np.float16


def test_the_dense_policy_is_small_and_rounded(policies: Path) -> None:
    path = policies / "breakout-patel.npz"
    assert path.stat().st_size < 8e6
    model = load_policy(path)
    assert model.env_id == "ALE/Breakout-v5"
    assert model.preprocessing == {"name": "patel"}
    assert [layer.connection.weight.shape for layer in model.populations] == [
        (6400, 1000),
        (1000, 4),
    ]
    assert model.source is not None
    trained = model.source.provenance["trained"]
    assert trained["steps"] > 3e5
    assert trained["learning_curve"][-1][1] > 30
    assert model.provenance["rounded_weights"]["agreement"] > 0.9
    with np.load(path, allow_pickle=False) as file:
        assert file["source.layer1.weight"].dtype == np.int8
        assert "layer1.weight" not in file.files


def test_the_dense_policy_keeps_the_ball_in_play(policies: Path) -> None:
    model = load_policy(policies / "breakout-patel.npz")
    report = evaluate(SpikingAgent(model), episodes=1, seed=0, max_episode_steps=200)
    assert report.lengths[0] == 200
    assert report.mean >= 2
    assert report.agreement is not None
    assert report.agreement > 0.85


def test_it_keeps_the_ball_in_play(policies: Path) -> None:
    """200 decisions without chance: doing nothing loses all five lives of Breakout in so many."""
    model = load_policy(policies / "breakout-cnn.npz")
    report = evaluate(SpikingAgent(model), episodes=1, seed=0, max_episode_steps=200)
    assert report.lengths[0] == 200
    assert report.mean >= 4
    assert report.agreement is not None
    assert report.agreement > 0.9
    env = make_environment("ALE/Breakout-v5", preprocessing=dict(model.preprocessing or {}))
    env.reset(seed=0)
    ends = [env.step(0)[2] for _ in range(200)]
    assert any(ends)
