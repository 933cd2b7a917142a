"""Deep Q-learning on images: that it learns, goes on exactly, and what its memory gives back."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from catch_environment import register_catch
from gymnasium import spaces
from walk_environment import LIMIT, register_walk

from dsqn_fast.environments import make_environment
from dsqn_fast.errors import EnvironmentMismatchError, OptionError, OutputPathError, TrainingError
from dsqn_fast.model import Conv2d, Dense
from dsqn_fast.model_io import load_policy

pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")
import torch

from dsqn_fast.training.images import dqn_loop, train_on_images
from dsqn_fast.training.images.checkpoint import opened_checkpoint, write_checkpoint
from dsqn_fast.training.images.dqn import ImageQLearning
from dsqn_fast.training.images.dqn_settings import ImageDqnSettings, image_dqn_preset
from dsqn_fast.training.images.frame_memory import FrameMemory
from dsqn_fast.training.images.games import AtariGames, make_games
from dsqn_fast.training.images.games_vec_env import GamesVecEnv
from dsqn_fast.training.methods import load_method
from dsqn_fast.training.run_folder import RunFolder

SMALL: dict[str, Any] = {
    "network": "tiny",
    "hidden": "[32]",
    "n_envs": "8",
    "train_every": "8",
    "gradient_steps": "4",
    "batch_size": "32",
    "buffer_size": "4000",
    "learning_starts": "256",
    "learning_rate": "2e-3",
    "target_every": "80",
    "epsilon_fraction": "0.5",
    "checkpoint_every": "1024",
    "total_steps": "4096",
    "test_episodes": "50",
    "test_epsilon": "0",
}


def test_it_learns_to_catch_and_becomes_a_spiking_policy(tmp_path: Path) -> None:
    report = train_on_images(
        "double-dqn", register_catch(), changes=SMALL, n_steps=32, out=tmp_path / "run"
    )
    assert report.test.mean_return > 0.9
    assert report.spiking is not None
    assert report.spiking["mean_return"] > 0.9
    rows = RunFolder(tmp_path / "run").evaluations()
    assert rows[10]["mean_return"] < 0
    assert rows[-1]["step"] == 4096
    assert rows[-1]["epsilon"] == 0.01
    model = load_policy(tmp_path / "run" / "policy.npz")
    assert model.source is not None
    trained = model.source.provenance["trained"]
    assert trained["steps"] == 4096
    assert trained["settings"]["double_q"] is True
    assert load_policy(tmp_path / "run" / "network.npz").env_id == "Catch-v0"


class _StopError(Exception):
    """Ends a run from within."""


@pytest.fixture
def decided_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second passes with every decision of the games, and at no other moment."""
    now, step_wait = [0.0], GamesVecEnv.step_wait

    def step(self: GamesVecEnv) -> Any:
        now[0] += 1
        return step_wait(self)

    monkeypatch.setattr(GamesVecEnv, "step_wait", step)
    monkeypatch.setattr(dqn_loop, "time", SimpleNamespace(perf_counter=lambda: now[0]))


@pytest.mark.usefixtures("decided_time")
def test_a_resumed_run_repeats_an_uninterrupted_one(tmp_path: Path) -> None:
    changes = {**SMALL, "total_steps": "1500", "checkpoint_every": "512", "test_episodes": "5"}
    options: Any = {"changes": changes, "n_steps": None}

    def stop(state: Any) -> None:
        if state.step > 1100:
            raise _StopError

    env_id = register_catch()
    whole = train_on_images("dqn", env_id, out=tmp_path / "whole", **options)
    with pytest.raises(_StopError):
        train_on_images("dqn", env_id, out=tmp_path / "cut", progress=stop, **options)
    again = train_on_images("dqn", env_id, out=tmp_path / "cut", resume=True, **options)
    for one, other in zip(whole.network.layers, again.network.layers, strict=True):
        if isinstance(one, Dense | Conv2d) and isinstance(other, Dense | Conv2d):
            np.testing.assert_array_equal(one.weight, other.weight)
    curve = RunFolder(tmp_path / "whole").evaluations()
    assert curve == RunFolder(tmp_path / "cut").evaluations()
    assert [row["seconds"] for row in curve] == [row["step"] / 8 for row in curve]
    (tmp_path / "whole" / "result.json").unlink()  # as if it had been stopped in the test
    tested = train_on_images("dqn", env_id, out=tmp_path / "whole", resume=True, **options)
    assert whole.test.to_dict() == again.test.to_dict() == tested.test.to_dict()
    (tmp_path / "cut" / "result.json").unlink()
    (tmp_path / "cut" / "checkpoint.pt").write_bytes(b"no checkpoint")
    with pytest.raises(TrainingError, match="is not a checkpoint of this run"):
        train_on_images("dqn", env_id, out=tmp_path / "cut", resume=True, **options)


def _memory(size: int, n_envs: int = 2) -> FrameMemory:
    space = spaces.Box(0, 255, (3, 2, 2), np.uint8)
    return FrameMemory(size, space, spaces.Discrete(4), "cpu", n_envs=n_envs)


def test_the_memory_gives_back_the_states_that_were_seen() -> None:
    """Games of random length, some ended by a time limit; every state has numbers of its own."""
    rng = np.random.default_rng(0)
    memory, seen, number, ended_late = _memory(240), {}, 0, set()
    state = np.zeros((2, 3, 2, 2), np.uint8)

    def frame() -> np.ndarray:
        return rng.integers(256, size=(2, 2), dtype=np.uint8)

    for env in range(2):
        state[env] = [frame() for _ in range(3)]
    for number in range(500):
        over = rng.random(2) < 0.1
        late = over & (rng.random(2) < 0.5)
        done = over | (rng.random(2) < 0.05)
        action = rng.integers(4, size=2)
        following = np.concatenate([state[:, 1:], np.stack([frame(), frame()])[:, None]], 1)
        infos = [
            {"over": bool(one), "TimeLimit.truncated": bool(other)}
            for one, other in zip(over, late, strict=True)
        ]
        memory.add(state, following, action, np.full(2, number, np.float32), done, infos)
        for env in range(2):
            ends = bool(done[env] and not late[env])
            seen[number, int(action[env]), state[env].tobytes()] = following[env], ends
        ended_late |= {number} if late.all() else set()
        state = following.copy()
        for env in np.flatnonzero(over):
            state[env] = [frame() for _ in range(3)]
    drawn = memory.sample(3000)
    oldest, late_ones = number, 0
    for index in range(3000):
        reward = int(drawn.rewards[index])
        key = reward, int(drawn.actions[index]), drawn.observations[index].numpy().tobytes()
        following_one, done_one = seen[key]
        assert bool(drawn.dones[index]) == done_one
        if not done_one:
            np.testing.assert_array_equal(drawn.next_observations[index].numpy(), following_one)
            late_ones += reward in ended_late
        oldest = min(oldest, reward)
    assert late_ones > 0
    assert 500 - 120 <= oldest < 500 - 80
    assert memory.size() <= 240


def _filled(size: int, decisions: int) -> FrameMemory:
    rng, memory = np.random.default_rng(0), _memory(size)
    images = rng.integers(256, size=(decisions + 1, 2, 3, 2, 2), dtype=np.uint8)
    for number in range(decisions):
        infos = [{"over": bool(flag)} for flag in rng.random(2) < 0.1]
        reward, done = rng.random(2).astype(np.float32), rng.random(2) < 0.1
        memory.add(*images[number : number + 2], rng.integers(4, size=2), reward, done, infos)
    return memory


@pytest.mark.parametrize("decisions", [30, 500])
def test_a_memory_comes_back_from_a_checkpoint(tmp_path: Path, decisions: int) -> None:
    memory, path = _filled(240, decisions), tmp_path / "checkpoint.pt"
    write_checkpoint(path, {"memory": memory.state()})
    again = _memory(240)
    with opened_checkpoint(path) as state:
        again.restore(state["memory"])
    assert again.used == memory.used
    for name in ("frames", "actions", "rewards", "dones", "valid", "position"):
        np.testing.assert_array_equal(getattr(again, name), getattr(memory, name))
    with (
        pytest.raises(TrainingError, match="is not a checkpoint"),
        opened_checkpoint(path) as state,
    ):
        _memory(24).restore(state["memory"])


def test_a_checkpoint_takes_no_second_memory(tmp_path: Path) -> None:
    space = spaces.Box(0, 255, (3, 84, 84), np.uint8)
    memory = FrameMemory(500, space, spaces.Discrete(4), "cpu", n_envs=2)
    memory.used = 200
    tracemalloc.start()
    write_checkpoint(tmp_path / "checkpoint.pt", {"memory": memory.state()})
    with opened_checkpoint(tmp_path / "checkpoint.pt") as state:
        memory.restore(state["memory"])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    written = (tmp_path / "checkpoint.pt").stat().st_size
    assert 2 * 200 * 84 * 84 < written < 1.1 * 2 * 200 * 84 * 84
    assert peak < written / 4


def test_a_full_disk_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, data: Any) -> int:
            if self.tell() > 1000:
                raise OSError(28, "No space left on device")
            return super().write(data)

    monkeypatch.setattr(Path, "open", lambda *_: Full())
    with pytest.raises(OutputPathError, match="cannot be written: No space left"):
        write_checkpoint(tmp_path / "checkpoint.pt", {"memory": _filled(240, 30).state()})
    assert list(tmp_path.iterdir()) == []


def test_a_time_limit_ends_no_return() -> None:
    """As Stable-Baselines3's own memory has it: the value of the last state still counts."""
    env = GamesVecEnv(make_games(register_walk(), 2, lives=True), 2, clip_rewards=True)
    settings = ImageDqnSettings().changed({**SMALL, "n_envs": 2, "train_every": 2})
    algorithm = ImageQLearning(env, settings=settings, seed=0)
    algorithm.learn(80)
    batch = algorithm.memory.sample(200)
    assert not batch.dones.any()
    before, after = (
        images[:, 0, 0, 0].numpy().astype(int)
        for images in (batch.observations, batch.next_observations)
    )
    np.testing.assert_array_equal(after, before + 1)
    assert before.max() == LIMIT - 1
    assert env.returns[:2] == [7.0, 7.0]
    with torch.no_grad():
        targets = algorithm._targets(batch)
    assert (targets != batch.rewards).all()


def test_a_limit_of_frames_ends_no_return_of_an_atari_game() -> None:
    pytest.importorskip("ale_py")
    games = AtariGames("ALE/Breakout-v5", 2, lives=False, max_frames=120)
    images, late = games.reset(0), 0
    for _ in range(70):
        outcome = games.step(np.zeros(2, np.int64))
        for env in np.flatnonzero(outcome.truncated):
            assert outcome.over[env]
            assert outcome.ended[env]
            np.testing.assert_array_equal(outcome.final[env, ..., :-1], images[env, ..., 1:])
            late += 1
        images = outcome.images.copy()
    assert late >= 4
    games.close()


def test_a_memory_that_is_too_small_is_refused() -> None:
    with pytest.raises(OptionError, match="buffer_size must be at least 24 for 2 games"):
        _memory(20)


def test_the_exported_network_computes_what_the_trained_one_does() -> None:
    env = GamesVecEnv(make_games(register_catch(), 2, lives=True), 2, clip_rewards=True)
    settings = ImageDqnSettings().changed({**SMALL, "n_envs": 2, "learning_starts": 0})
    algorithm = ImageQLearning(env, settings=settings, seed=0)
    images = np.random.default_rng(0).integers(256, size=(7, 1, 6, 5), dtype=np.uint8)
    wanted = algorithm.outputs(images)
    found = algorithm.export(env_id="Catch-v0").forward((images / 255).astype(np.float32))
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_atari_games_press_fire_and_remember_it() -> None:
    pytest.importorskip("ale_py")
    games = make_games("ALE/Breakout-v5", 2, lives=True)
    env = GamesVecEnv(games, 2, clip_rewards=True)
    settings = ImageDqnSettings().changed({**SMALL, "network": "nature", "n_envs": 2})
    algorithm = ImageQLearning(env, settings=settings, seed=0)
    wrapped = make_environment("ALE/Breakout-v5", preprocessing="mnih")
    assert env.observation_space.shape == wrapped.observation_space.shape
    algorithm.learn(200)
    memory = algorithm.memory
    assert memory.size() > 190
    lost = np.argwhere(memory.dones & memory.valid)
    assert len(lost) > 0
    for env_index, place in lost:
        following = (place + 1) % memory.length
        if memory.valid[env_index, following]:
            assert memory.actions[env_index, following] == games.force
    env.close()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_every": 12}, "train_every counts decisions of all games: it must be a multiple"),
        ({"n_step": 3}, "n_step must be 1 on images"),
        ({"target_unit": "episodes"}, "target_unit must be steps on images"),
        ({"reward": "failure"}, "reward must be environment on images"),
        ({"network": "natur"}, "did you mean 'nature'"),
        ({"observation_mean": [1.0]}, "images are not scaled"),
    ],
)
def test_settings_that_images_do_not_have(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        image_dqn_preset("dqn").changed(changes)


def test_what_cannot_be_learned_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentMismatchError, match="network 'nature' needs larger images"):
        train_on_images(
            "dqn", register_catch(), changes={**SMALL, "network": "nature"}, out=tmp_path
        )
    assert load_method("dqn", "ALE/Breakout-v5") is train_on_images
    assert load_method("double-dqn", "ALE/Pong-v5") is train_on_images
    assert load_method("dqn", "CartPole-v1") is not train_on_images
    assert not list(tmp_path.iterdir())
