"""Learning from images: that it learns, goes on exactly, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from catch_environment import register_catch
from walk_environment import LIMIT, register_walk

from dsqn_fast.conversion import convert
from dsqn_fast.environments import make_environment
from dsqn_fast.errors import (
    EnvironmentMismatchError,
    ModelFileError,
    OptionError,
    TrainingError,
)
from dsqn_fast.importers import load_ann
from dsqn_fast.model import AnnModel, Dense, Flatten
from dsqn_fast.model_io import load_policy

pytest.importorskip("torch")
import torch

from dsqn_fast.training.images import image_preset, train_on_images
from dsqn_fast.training.images.games import AtariGames, GymnasiumGames
from dsqn_fast.training.images.network import ImageNetwork
from dsqn_fast.training.images.ppo import generalised_advantages
from dsqn_fast.training.images.pqn import lambda_returns
from dsqn_fast.training.images.rollout import Player, Rollout
from dsqn_fast.training.images.train_imitation import train_by_view_imitation
from dsqn_fast.training.images.two_views import TwoViews
from dsqn_fast.training.methods import load_method
from dsqn_fast.training.run_folder import RunFolder

SMALL = {
    "network": "tiny",
    "hidden": "[32]",
    "n_envs": "16",
    "horizon": "8",
    "minibatch": "32",
    "learning_rate": "5e-3",
    "checkpoint_every": "1024",
    "test_episodes": "50",
    "test_epsilon": "0",
    "bfloat16": "false",
}


def _train(method: str, folder: Path, **changes: str) -> Any:
    env_id = register_catch()
    return train_on_images(
        method, env_id, seed=0, changes={**SMALL, **changes}, n_steps=32, out=folder
    )


def test_ppo_learns_to_catch_and_becomes_a_spiking_policy(tmp_path: Path) -> None:
    report = _train("ppo", tmp_path / "run", total_steps="8192")
    assert report.test.mean_return > 0.9
    assert report.spiking["mean_return"] > 0.9
    # Random play catches one ball in about four: -0.5.
    rows = RunFolder(tmp_path / "run").evaluations()
    assert rows[2]["mean_return"] < 0
    assert rows[-1]["step"] == 8192
    assert 0 < report.test.action_gap <= 2
    model = load_policy(tmp_path / "run" / "policy.npz")
    assert model.env_id == "Catch-v0"
    assert model.source is not None
    trained = model.source.provenance["trained"]
    assert trained["settings"]["network"] == "tiny"
    assert trained["command"].startswith("dsqn-fast train ppo --env Catch-v0 --seed 0")
    assert (tmp_path / "run" / "result.json").exists()


def test_pqn_learns_to_catch(tmp_path: Path) -> None:
    changes = {"total_steps": "12288", "learning_rate": "0.01", "epochs": "4", "gae_lambda": "0.9"}
    report = _train("pqn", tmp_path / "run", **changes)
    assert report.test.mean_return > 0.8


class _StopError(Exception):
    """Ends a run from within."""


@pytest.mark.parametrize("method", ["ppo", "pqn"])
def test_a_resumed_run_repeats_an_uninterrupted_one(method: str, tmp_path: Path) -> None:
    env_id = register_catch()
    options: Any = {"changes": {**SMALL, "total_steps": "3072", "bfloat16": "true"}}

    def stop(state: Any) -> None:
        if state.step == 2048 + 256:
            raise _StopError

    options["n_steps"] = None
    whole = train_on_images(method, env_id, out=tmp_path / "whole", **options)
    with pytest.raises(_StopError):
        train_on_images(method, env_id, out=tmp_path / "cut", progress=stop, **options)
    again = train_on_images(method, env_id, out=tmp_path / "cut", resume=True, **options)
    for one, other in zip(whole.network.layers, again.network.layers, strict=True):
        if isinstance(one, Dense) and isinstance(other, Dense):
            np.testing.assert_array_equal(one.weight, other.weight)
    (tmp_path / "whole" / "result.json").unlink()  # as if it had been stopped in the test
    tested = train_on_images(method, env_id, out=tmp_path / "whole", resume=True, **options)
    assert whole.test.to_dict() == again.test.to_dict() == tested.test.to_dict()
    curves = [RunFolder(tmp_path / name).evaluations() for name in ("whole", "cut")]
    assert [row["mean_return"] for row in curves[0]] == [row["mean_return"] for row in curves[1]]
    with pytest.raises(TrainingError, match="is finished"):
        train_on_images(method, env_id, out=tmp_path / "cut", resume=True, **options)


def test_a_damaged_checkpoint_is_one_sentence(tmp_path: Path) -> None:
    options: Any = {"changes": {**SMALL, "total_steps": "2048"}, "out": tmp_path, "n_steps": None}

    def stop(state: Any) -> None:
        if state.step > 1024:
            raise _StopError

    with pytest.raises(_StopError):
        train_on_images("ppo", register_catch(), progress=stop, **options)
    (tmp_path / "checkpoint.pt").write_bytes(b"no checkpoint")
    with pytest.raises(TrainingError, match="is not a checkpoint of this run"):
        train_on_images("ppo", register_catch(), resume=True, **options)


def _rollout(rewards: list[float], ended: list[bool]) -> Rollout:
    shape = (len(rewards), 1)
    return Rollout(
        images=np.zeros((*shape, 1, 1, 1), np.uint8),
        last=np.zeros((1, 1, 1, 1), np.uint8),
        actions=np.zeros(shape, np.int64),
        log_probability=np.zeros(shape, np.float32),
        rewards=np.array(rewards, np.float32).reshape(shape),
        ended=np.array(ended).reshape(shape),
        free=np.ones(shape, bool),
        returns=[],
    )


def test_advantages_are_the_sums_of_their_definition() -> None:
    settings = replace(image_preset("ppo"), gamma=0.5, gae_lambda=0.5)
    rollout = _rollout([1, 2, 4], [False, True, False])
    values = np.array([[1], [2], [3]], np.float32)
    found = generalised_advantages(rollout, values, np.array([8], np.float32), settings)
    errors = [1 + 0.5 * 2 - 1, 2 - 2, 4 + 0.5 * 8 - 3]
    np.testing.assert_allclose(found[:, 0], [errors[0] + 0.25 * errors[1], errors[1], errors[2]])


def test_lambda_returns_are_the_sums_of_their_definition() -> None:
    settings = replace(image_preset("pqn"), gamma=0.5, gae_lambda=0.25)
    rollout = _rollout([1, 2, 4], [False, True, False])
    best = np.array([[1], [2], [3]], np.float32)
    found = lambda_returns(rollout, best, np.array([8], np.float32), settings)
    third = 4 + 0.5 * 8
    second = 2.0
    first = 1 + 0.5 * (0.25 * second + 0.75 * 2)
    np.testing.assert_allclose(found[:, 0], [first, second, third])


@pytest.mark.parametrize("with_value", [True, False])
def test_a_time_limit_ends_no_return(with_value: bool) -> None:
    """What the last state was worth is part of the reward."""
    games = GymnasiumGames(register_walk(), 2, None)
    settings = image_preset("ppo").changed({**SMALL, "n_envs": 2, "horizon": 20, "gamma": 0.5})
    network = ImageNetwork(
        settings, shape=games.shape, largest=255.0, n_actions=2, with_value=with_value, seed=0
    )
    player = Player(games=games, settings=settings)
    player.begin(0)
    rollout = player.play(network, lambda *_: (np.zeros(2, np.int64), np.zeros(2, np.float32)))
    actor, value = network(torch.full((1, 6, 5, 1), LIMIT, dtype=torch.uint8))
    worth = float((actor.amax(1) if value is None else value).detach()[0])
    late = np.arange(1, 21) % LIMIT == 0
    np.testing.assert_array_equal(rollout.ended, np.stack([late, late], axis=1))
    np.testing.assert_allclose(rollout.rewards[:, 0], np.where(late, 1 + 0.5 * worth, 1), rtol=1e-6)
    assert abs(worth) > 1e-4
    assert rollout.returns == [LIMIT] * 4


@pytest.mark.parametrize("network", ["nature", "small"])
def test_an_exported_network_computes_what_the_trained_one_does(network: str) -> None:
    settings = replace(image_preset("ppo"), network=network, hidden=(16,), bfloat16=False)  # type: ignore[arg-type]
    trained = ImageNetwork(
        settings, shape=(84, 84, 4), largest=255, n_actions=4, with_value=True, seed=0
    )
    images = np.random.default_rng(0).integers(0, 256, (3, 84, 84, 4), dtype=np.uint8)
    ann = trained.export(env_id="ALE/Breakout-v5")
    seen = images.transpose(0, 3, 1, 2).astype(np.float32) / 255
    wanted = trained.outputs(images).numpy()
    np.testing.assert_allclose(ann.forward(seen), wanted, atol=1e-6)
    assert np.ptp(wanted) > 1e-4


def test_atari_games_tell_of_lives_and_force_fire() -> None:
    pytest.importorskip("ale_py")
    games = AtariGames("ALE/Breakout-v5", 4, lives=True)
    assert games.reset(seed=0).shape == (4, 84, 84, 4)
    assert games.shape == (84, 84, 4)
    assert games.n_actions == 4
    rng = np.random.default_rng(0)
    ends = overs = forced = 0
    for _ in range(250):
        outcome = games.step(rng.integers(4, size=4))
        ends, overs = ends + outcome.ended.sum(), overs + outcome.over.sum()
        forced += outcome.forced.sum()
        assert not (outcome.over & ~outcome.ended).any()
    games.close()
    assert overs >= 2, "some games are over"
    assert ends >= 5 * overs
    assert forced == ends - overs


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "large"}, "network must be .*nature.*small.*tiny.*large"),
        ({"minibatch": "4096"}, "minibatch must be at most n_envs \\* horizon = 2048, not 4096"),
        ({"bfloat16": "1"}, "bfloat16 must be true or false, not 1"),
        ({"epoch": "1"}, "did you mean 'epochs'"),
        ({"observation_mean": "[1]"}, "images are not scaled"),
    ],
)
def test_settings_out_of_range_are_refused(changes: dict[str, str], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        image_preset("ppo").changed(changes)


def test_environments_without_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentMismatchError, match="needs images of bytes and discrete"):
        train_on_images("ppo", "CartPole-v1", out=tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(OptionError, match="method must be"):
        train_on_images("a2c", register_catch(), out=tmp_path)
    with pytest.raises(EnvironmentMismatchError, match="'nature' needs larger images than"):
        train_on_images("ppo", register_catch(), out=tmp_path)
    assert not list(tmp_path.iterdir())


def test_images_may_have_their_channels_first() -> None:
    class Turned(gymnasium.ObservationWrapper[Any, Any, Any]):
        def __init__(self, env: Any) -> None:
            super().__init__(env)
            self.observation_space = gymnasium.spaces.Box(0, 255, (1, 6, 5), np.uint8)

        def observation(self, observation: Any) -> Any:
            return observation.transpose(2, 0, 1)

    plain_id = register_catch()
    if "Turned-v0" not in gymnasium.registry:
        gymnasium.register("Turned-v0", lambda **_: Turned(gymnasium.make(plain_id)))
    plain, turned = GymnasiumGames(plain_id, 3, None), GymnasiumGames("Turned-v0", 3, None)
    assert turned.shape == plain.shape == (6, 5, 1)
    np.testing.assert_array_equal(plain.reset(seed=5), turned.reset(seed=5))


def test_atari_games_are_learned_from_images() -> None:
    assert load_method("ppo", "ALE/Breakout-v5") is train_on_images
    assert load_method("pqn", "Anything-v0") is train_on_images
    assert load_method("ppo", "CartPole-v1") is not train_on_images


def test_a_pupil_sees_the_same_game_in_its_own_view() -> None:
    pytest.importorskip("ale_py")
    plain = make_environment("ALE/Breakout-v5", preprocessing="patel")
    teachers = make_environment("ALE/Breakout-v5", preprocessing={"name": "mnih", "unit": True})
    raw: Any = make_environment("ALE/Breakout-v5", preprocessing="mnih").unwrapped
    both = TwoViews(raw, view="mnih", pupil_view="patel", unit=True)
    seen, own = both.reset(seed=4)[0], plain.reset(seed=4)[0]
    np.testing.assert_array_equal(seen, teachers.reset(seed=4)[0])
    np.testing.assert_array_equal(both.pupil_observation, own)
    for action in [2, 3, 0, 2] * 12:
        seen, own = both.step(action)[0], plain.step(action)[0]
        np.testing.assert_array_equal(seen, teachers.step(action)[0])
        np.testing.assert_array_equal(both.pupil_observation, own)


def test_a_pupil_learns_its_teachers_actions(tmp_path: Path) -> None:
    """The teacher moves right where the upper half of the picture is brighter at the left."""
    pytest.importorskip("ale_py")
    weight = np.zeros((4 * 84 * 84, 4), np.float32)
    columns = np.tile(np.repeat(np.arange(84), 4), 84)
    weight[:, 2], weight[:, 3] = np.where(columns < 42, 1, -1), np.where(columns < 42, -1, 1)
    teacher = AnnModel(
        layers=(Flatten(), Dense(weight=weight, bias=np.zeros(4, np.float32))),
        input_shape=(84, 84, 4),
        channels_first=True,
        env_id="ALE/Breakout-v5",
        preprocessing={"name": "mnih", "unit": True},
    )
    seen = np.random.default_rng(0).random((20, 4, 84, 84), dtype=np.float32)
    convert(teacher, seen, normalization="data", n_steps=4).save(tmp_path / "teacher.npz")
    changes = {
        "teacher": str(tmp_path / "teacher.npz"), "total_steps": "1600", "rounds": "4",
        "hidden": "[32]", "test_episodes": "1", "learning_rate": "2e-3", "epsilon": "0.3",
        "n_envs": "16", "epochs": "3", "minibatch": "256", "eval_episodes": "1",
    }  # fmt: skip
    report = train_by_view_imitation(
        "view-imitation", "ALE/Breakout-v5", changes=changes, n_steps=None, out=tmp_path / "run"
    )
    rows = RunFolder(tmp_path / "run").evaluations()
    assert rows[-1]["agreement"] > 0.7 > 0.4 > rows[0]["agreement"]
    assert report.ann.preprocessing == {"name": "patel"}
    assert report.ann.input_shape == (80, 80, 1)
    trained = report.ann.provenance["trained"]
    assert trained["steps"] == 1600
    assert [step for step, _ in trained["learning_curve"]] == [row["step"] for row in rows]
    assert trained["evaluations"][-1] == [1600, rows[-1]["evaluation"]]
    kept = load_ann(tmp_path / "run" / "network.npz")
    for one, other in zip(kept.layers, report.ann.layers, strict=True):
        if isinstance(one, Dense) and isinstance(other, Dense):
            np.testing.assert_array_equal(one.weight, other.weight)


def test_teachers_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    def train(**changes: str) -> None:
        train_by_view_imitation(
            "view-imitation", "ALE/Breakout-v5", changes=changes, out=tmp_path / "run"
        )

    with pytest.raises(OptionError, match="add --set teacher=FILE"):
        train()
    with pytest.raises(ModelFileError, match=r"none.npz"):
        train(teacher=str(tmp_path / "none.npz"))
    policy = Path(__file__).parents[2] / "policies" / "cartpole-dqn.npz"
    with pytest.raises(OptionError, match="as mnih or mnih-binary does, not as None"):
        train(teacher=str(policy))
    with pytest.raises(OptionError, match="view must be"):
        train(teacher=str(policy), view="atari")
    with pytest.raises(TrainingError, match="keeps no checkpoint"):
        train_by_view_imitation("view-imitation", "ALE/Breakout-v5", resume=True)
    assert not list(tmp_path.iterdir())
