"""Atari games as policies see them, beside ale-py's own vector environment on the same frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dsqn_fast.environments import make_environment
from dsqn_fast.errors import (
    EnvironmentMismatchError,
    MissingExtraError,
    OptionError,
    UnknownEnvironmentError,
)
from dsqn_fast.image_resize import resize_area

ale_py = pytest.importorskip("ale_py")
BREAKOUT = "ALE/Breakout-v5"
N_DECISIONS = 400


def _game(**preprocessing: Any) -> Any:
    return make_environment(BREAKOUT, preprocessing={"no_ops": 0, **preprocessing})


@pytest.fixture(scope="module")
def played() -> tuple[NDArray[Any], list[NDArray[Any]], list[float], list[int]]:
    """Random actions in ale-py's vector environment: actions, frames, rewards and lives.

    After a lost life the action is FIRE, as `AtariGame` presses it by itself.
    """
    from ale_py.vector_env import AtariVectorEnv

    env = AtariVectorEnv(
        "breakout", 1, num_threads=1, noop_max=0, reward_clipping=False, life_loss_info=True
    )
    rng = np.random.default_rng(3)
    observation, info = env.reset(seed=1)
    actions: list[int] = []
    rewards: list[float] = []
    seen, lives, lost = [observation[0]], [int(info["lives"][0])], False
    while len(actions) < N_DECISIONS and lives[-1] > 0:
        action = 1 if lost else int(rng.integers(4))
        observation, reward, _, _, info = env.step(np.array([action]))
        actions.append(action)
        seen.append(observation[0])
        rewards.append(float(reward[0]))
        lost = int(info["lives"][0]) < lives[-1]
        lives.append(int(info["lives"][0]))
    env.close()
    return np.array(actions), seen, rewards, lives


def test_mnih_shows_what_ale_pys_own_preprocessing_shows(played: Any) -> None:
    actions, seen, rewards, lives = played
    assert lives[-1] < 5, "the game must lose lives to test FIRE"
    env = _game(name="mnih")
    observation, _ = env.reset(seed=1)
    np.testing.assert_array_equal(observation, seen[0], strict=True)
    step = total = 0
    while step < len(actions):
        observation, reward, ended, _, _ = env.step(int(actions[step]))
        total += reward
        # The step that lost a life contains the one that presses FIRE.
        step += 1 + (lives[step + 1] < lives[step] and not ended)
        np.testing.assert_array_equal(observation, seen[step], strict=True)
        assert total == sum(rewards[:step])
        assert env.observation_space.contains(observation)
        if ended:
            break
    env.close()


def test_mnih_binary_is_mnih_where_not_black(played: Any) -> None:
    binary, grey = _game(name="mnih-binary"), _game(name="mnih")
    assert binary.reset(seed=1)[0].shape == grey.reset(seed=1)[0].shape
    for action in played[0][:20]:
        shown, seen = binary.step(int(action))[0], grey.step(int(action))[0]
        # The maximum of two frames is black where both are.
        np.testing.assert_array_equal(shown, (seen > 0).astype(np.uint8), strict=True)


def test_unit_divides_by_the_largest_value(played: Any) -> None:
    unit, grey = _game(name="mnih", unit=True), _game(name="mnih")
    wanted = grey.reset(seed=1)[0].astype(np.float32) / np.float32(255)
    found = unit.reset(seed=1)[0]
    np.testing.assert_array_equal(found, wanted, strict=True)
    assert unit.observation_space.contains(found)
    assert unit.observation_space.high.max() == 1


def test_patel_fades_the_last_four_frames() -> None:
    env = _game(name="patel")
    frames = []
    observation, _ = env.reset(seed=1)
    assert observation.shape == (1, 80, 80)
    for _ in range(6):
        observation, *_ = env.step(2)
        grey = env.unwrapped.ale.getScreenGrayscale()
        frames.append((grey[34:194:2, ::2] > 0).astype(np.float32))
    wanted = frames[-1] + 0.75 * frames[-2] + 0.5 * frames[-3] + 0.25 * frames[-4]
    np.testing.assert_array_equal(observation[0], wanted)
    assert env.observation_space.contains(observation)
    assert len(np.unique(observation)) > 2, "the paddle moves: something must fade"


def test_games_differ_by_their_no_ops_and_repeat_with_their_seed() -> None:
    env = make_environment(BREAKOUT, preprocessing="mnih")
    starts = [env.reset(seed=seed)[1]["episode_frame_number"] for seed in range(9)]
    assert len(set(starts)) > 5
    assert 1 <= min(starts) < max(starts) <= 31
    assert starts == [env.reset(seed=seed)[1]["episode_frame_number"] for seed in range(9)]


def test_a_seeded_game_repeats_exactly_whatever_was_played_before() -> None:
    """Without sticky actions nothing in the console is random."""
    fresh, used = (make_environment(BREAKOUT, preprocessing="mnih") for _ in range(2))
    used.reset(seed=77)
    for step in range(40):
        used.step(step % 4)
    first, second = fresh.reset(seed=5)[0], used.reset(seed=5)[0]
    np.testing.assert_array_equal(first, second)
    for step in range(120):
        one, other = fresh.step(step * 7 % 4), used.step(step * 7 % 4)
        np.testing.assert_array_equal(one[0], other[0])
        assert one[1:4] == other[1:4]


def test_sticky_actions_only_where_asked_for() -> None:
    def setting(**options: Any) -> float:
        ale = _game(name="mnih", **options).unwrapped.ale
        return float(ale.getFloat("repeat_action_probability"))

    assert setting() == 0
    assert setting(sticky=0.25) == 0.25


def test_a_step_limit_counts_decisions() -> None:
    env = make_environment(BREAKOUT, preprocessing="mnih", max_episode_steps=5)
    env.reset(seed=0)
    assert [env.step(0)[3] for _ in range(5)] == [False] * 4 + [True]
    assert env.spec is not None
    assert env.spec.id == BREAKOUT


def test_a_game_without_fire_is_left_alone() -> None:
    env = make_environment("ALE/Freeway-v5", preprocessing="mnih")
    assert env.unwrapped.get_action_meanings()[1] != "FIRE"  # type: ignore[attr-defined]
    assert env.reset(seed=4)[0].shape == (4, 84, 84)
    assert env.step(1)[0].shape == (4, 84, 84)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "mnih", "skip": 0}, "skip must be an integer from 1 to 10000, not 0"),
        ({"name": "mnih", "no_ops": 1.5}, "no_ops must be an integer from 0 to 10000, not 1.5"),
        ({"name": "mnih", "unit": 1}, "unit must be true or false, not 1"),
        ({"name": "patel", "sticky": 2}, "sticky must be a probability below 1, not 2"),
        ({"name": "patel", "stack": 4}, r"takes only skip, no_ops, unit, sticky, not \['stack'\]"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        make_environment(BREAKOUT, preprocessing=options)


def test_other_environments_are_refused() -> None:
    with pytest.raises(EnvironmentMismatchError, match="'CartPole-v1' takes none of obs_type"):
        make_environment("CartPole-v1", preprocessing="mnih")
    with pytest.raises(UnknownEnvironmentError, match="nearest is 'ALE/Breakout-v5'"):
        make_environment("ALE/Brekout-v5", preprocessing="mnih")


def test_a_missing_game_file_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALE_ROMS_DIR", str(tmp_path))
    with pytest.raises(MissingExtraError, match=r"the game of 'ALE/Breakout-v5' cannot be read"):
        make_environment(BREAKOUT, preprocessing="mnih")


def test_shrinking_keeps_the_mean_and_whole_factors_exactly() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (20, 30), dtype=np.uint8)
    halves = image.reshape(10, 2, 15, 2).mean((1, 3))
    np.testing.assert_array_equal(resize_area(image, 10, 15), np.rint(halves))
    np.testing.assert_array_equal(resize_area(image, 20, 30), image)
    assert abs(resize_area(image, 7, 11).mean() - image.mean()) < 0.5
