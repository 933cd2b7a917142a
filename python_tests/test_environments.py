"""Environments by name, their preprocessing, and which policies they fit."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from simulators import dense_model
from small_environments import Walk

from dsqn_fast.environments import check_fits, env_name, make_environment
from dsqn_fast.errors import (
    EnvironmentMismatchError,
    MissingExtraError,
    OptionError,
    UnknownEnvironmentError,
)
from dsqn_fast.model import SpikingModel
from dsqn_fast.preprocessing import PREPROCESSINGS, apply_preprocessing


def _policy(n_inputs: int, n_outputs: int) -> SpikingModel:
    return dense_model([np.zeros((n_inputs, n_outputs))])


@pytest.mark.parametrize(
    ("env_id", "shape"),
    [("CartPole-v1", (4, 2)), ("Acrobot-v1", (6, 3)), ("MountainCar-v0", (2, 3))],
)
def test_a_policy_of_the_environments_shape_fits(env_id: str, shape: tuple[int, int]) -> None:
    env = make_environment(env_id)
    check_fits(env, _policy(*shape))
    assert env_name(env) == env_id
    env.close()


def test_preprocessing_appends_a_one() -> None:
    for preprocessing in ("append-one", {"name": "append-one"}):
        env = make_environment("CartPole-v1", preprocessing=preprocessing)
        seen, _ = env.reset(seed=1)
        plain, _ = make_environment("CartPole-v1").reset(seed=1)
        np.testing.assert_array_equal(seen, np.append(plain, np.float32(1)), strict=True)
        assert env.observation_space.contains(seen)
        check_fits(env, _policy(5, 2))
        env.close()


def test_another_step_limit() -> None:
    env = make_environment("CartPole-v1", max_episode_steps=3)
    env.reset(seed=0)
    assert [env.step(step % 2)[3] for step in range(3)] == [False, False, True]


@pytest.mark.parametrize(
    ("env_id", "nearest"),
    [
        ("CartPole-v7", "CartPole-v1"),
        ("cartpole-v1", "CartPole-v1"),
        ("CartPole", "CartPole-v1"),
        ("Acrobt-v1", "Acrobot-v1"),
    ],
)
def test_an_unknown_environment_names_the_nearest(env_id: str, nearest: str) -> None:
    with pytest.raises(UnknownEnvironmentError, match=f"{env_id!r}.*nearest is {nearest!r}"):
        make_environment(env_id)


@pytest.mark.parametrize("env_id", ["", ":", ":CartPole-v1", "..x:A-v0", "a b", "no_module:A-v0"])
def test_odd_ids_are_unknown(env_id: str) -> None:
    with pytest.raises(UnknownEnvironmentError):
        make_environment(env_id, import_modules=True)


def test_an_id_from_a_file_imports_nothing() -> None:
    with pytest.raises(UnknownEnvironmentError, match="import the module 'antigravity'"):
        make_environment("antigravity:CartPole-v1")


def test_an_id_that_the_user_typed_may_import_a_module() -> None:
    env = make_environment("gymnasium:CartPole-v1", import_modules=True)
    assert env_name(env) == "CartPole-v1"
    env.close()


@pytest.mark.filterwarnings("ignore")
def test_every_registered_environment_is_made_or_refused() -> None:
    made = 0
    specs = gymnasium.registry.values()
    # Hundreds of Atari games are one class with another file each.
    for env_id in [one.id for one in specs if not str(one.entry_point).startswith("ale_py")]:
        try:
            env = make_environment(env_id)
        except MissingExtraError:
            continue
        made += 1
        try:
            check_fits(env, _policy(4, 2))
            assert env_id.startswith("CartPole"), env_id
        except EnvironmentMismatchError:
            assert not env_id.startswith("CartPole"), env_id
        env.close()
    assert made > 5


@pytest.mark.parametrize(
    ("env_id", "policy", "message"),
    [
        ("Pendulum-v1", (3, 2), "one of 2 discrete actions.*Pendulum-v1 has a continuous space"),
        ("CartPole-v1", (4, 3), "one of 3 discrete actions.*CartPole-v1 has 2 discrete values"),
        ("CartPole-v1", (5, 2), r"of shape \(5,\).*CartPole-v1 has .* shape \(4,\)"),
        ("FrozenLake-v1", (1, 4), r"of shape \(1,\).*FrozenLake-v1 has 16 discrete values"),
        ("Blackjack-v1", (3, 2), r"of shape \(3,\).*Blackjack-v1 has the space Tuple"),
    ],
)
def test_both_sides_of_a_misfit_are_named(
    env_id: str, policy: tuple[int, int], message: str
) -> None:
    env = make_environment(env_id)
    with pytest.raises(EnvironmentMismatchError, match=message):
        check_fits(env, _policy(*policy))
    env.close()


def test_actions_that_do_not_start_at_0_are_refused() -> None:
    env = Walk()
    env.action_space = spaces.Discrete(2, start=1)
    with pytest.raises(EnvironmentMismatchError, match="2 discrete values starting at 1"):
        check_fits(env, _policy(2, 2))


def test_images_fit_either_way_round() -> None:
    class Network:
        input_shape, channels_first, n_outputs = (8, 9, 3), True, 2

    env = Walk()
    for shape in ((3, 8, 9), (8, 9, 3)):
        env.observation_space = spaces.Box(0, 255, shape, np.uint8)
        check_fits(env, Network())
    env.observation_space = spaces.Box(0, 255, (9, 8, 3), np.uint8)
    with pytest.raises(EnvironmentMismatchError, match=r"\(3, 8, 9\).*\(9, 8, 3\)"):
        check_fits(env, Network())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preprocessing": "apend-one"}, f"one of {', '.join(PREPROCESSINGS)}, not 'apend-one'"),
        ({"preprocessing": {"name": "append-one", "size": 3}}, r"no options, not \['size'\]"),
        ({"preprocessing": {}}, "not None"),
        ({"max_episode_steps": 0}, "max_episode_steps must be .*, not 0"),
    ],
)
def test_unknown_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        make_environment("CartPole-v1", **options)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="must be a string, not 3"):
        make_environment(3)  # type: ignore[arg-type]


def test_preprocessing_that_does_not_fit_is_refused() -> None:
    with pytest.raises(EnvironmentMismatchError, match="needs vector observations"):
        apply_preprocessing(make_environment("FrozenLake-v1"), "append-one")
