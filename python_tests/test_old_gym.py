"""Environments of gym 0.21 and 0.26 play as Gymnasium's do."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from small_environments import OldWalk, PassesOn, Walk

from dsqn_fast.environments import env_name
from dsqn_fast.errors import EnvironmentMismatchError
from dsqn_fast.old_gym import adapt_environment


def _episode(env: gymnasium.Env[Any, Any], seed: int) -> list[Any]:
    seen, _ = env.reset(seed=seed)
    rows: list[Any] = [seen.tolist()]
    for step in range(100):
        seen, reward, terminated, truncated, _ = env.step(step % 2)
        rows.append((seen.tolist(), reward, terminated, truncated))
        if terminated or truncated:
            break
    return rows


def test_a_gymnasium_environment_is_itself() -> None:
    env = Walk()
    assert adapt_environment(env) is env


@pytest.mark.parametrize(
    "old", [OldWalk, lambda **o: PassesOn(PassesOn(Walk(**o)))], ids=["0.21", "0.26"]
)
@pytest.mark.parametrize("options", [{}, {"limit": 3}, {"edge": 0.5}])
def test_old_episodes_equal_new_ones(old: Any, options: dict[str, Any]) -> None:
    env = adapt_environment(old(**options))
    for seed in range(5):
        assert _episode(env, seed) == _episode(Walk(**options), seed)
    env.close()


def test_a_time_limit_is_no_end() -> None:
    env = adapt_environment(OldWalk(limit=2, edge=1e9))
    assert _episode(env, 0)[-1][2:] == (False, True)


def test_spaces_of_gym_are_converted() -> None:
    box = SimpleNamespace(low=np.zeros(2), high=np.ones(2), dtype=np.dtype("float32"))
    old = OldWalk()
    old.observation_space, old.action_space = box, SimpleNamespace(n=3)  # type: ignore[assignment]
    env = adapt_environment(old)
    assert env.observation_space == spaces.Box(0, 1, (2,), np.float32)
    assert env.action_space == spaces.Discrete(3)
    old.action_space = SimpleNamespace(spaces=[])  # type: ignore[assignment]
    with pytest.raises(EnvironmentMismatchError, match="a space must be a Box or Discrete"):
        adapt_environment(old)


def test_an_adapter_has_the_name_of_its_environment() -> None:
    old: Any = OldWalk()
    old.spec = SimpleNamespace(id="Walk-v7")
    assert env_name(adapt_environment(old)) == "Walk-v7"


def test_what_is_no_environment_is_refused() -> None:
    with pytest.raises(EnvironmentMismatchError, match=r"but int has no reset, step"):
        adapt_environment(3)


@pytest.mark.parametrize("wrap", [lambda env: env, PassesOn])
def test_an_environment_without_seeds_is_refused(wrap: Any) -> None:
    class Unseeded(OldWalk):
        seed = None  # type: ignore[assignment]

    with pytest.raises(EnvironmentMismatchError, match=r"needs reset\(seed=\.\.\.\) or seed"):
        adapt_environment(wrap(Unseeded()))
