from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from conversion.conversion_networks import dense_network

from dsqn_fast import evaluation
from dsqn_fast.agents import AnnAgent
from dsqn_fast.conversion import CalibrationOptions, convert, gather, gather_observations
from dsqn_fast.conversion.gather import gathering_seed, greedy, play
from dsqn_fast.episodes import episode_seed
from dsqn_fast.errors import (
    EnvironmentMismatchError,
    ObservationError,
    OptionError,
    UnknownEnvironmentError,
)


def test_gathering_repeats_itself_and_keeps_episodes_together() -> None:
    ann = dense_network((4, 8, 2))
    options = CalibrationOptions(max_observations=300)
    one = gather_observations(ann, "CartPole-v1", options=options, seed=5)
    two = gather_observations(ann, "CartPole-v1", options=options, seed=5)
    np.testing.assert_array_equal(one.observations, two.observations)
    assert one.observations.shape == (300, 4)
    assert (np.diff(one.episode) >= 0).all()
    other = gather_observations(ann, "CartPole-v1", options=options, seed=6)
    assert not np.array_equal(one.observations, other.observations)


def test_policies_are_not_calibrated_on_the_episodes_that_judge_them() -> None:
    seeds = (0, 1, 1000, 2**64 - 1)
    gathered = {gathering_seed(seed, e) for seed in seeds for e in range(200)}
    judged = {episode_seed(seed, e) for seed in seeds for e in range(200)}
    assert len(gathered) == len(judged) == 800
    assert not gathered & judged
    ann = dense_network((4, 8, 2))
    played = play(greedy(ann), ann, "CartPole-v1", episodes=1, seed=0)
    first, _ = gymnasium.make("CartPole-v1").reset(seed=gathering_seed(0, 0))
    np.testing.assert_array_equal(played.observations[0], first)


def test_environments_that_were_made_are_closed_where_a_later_one_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed: list[object] = []

    class Environment:
        def close(self) -> None:
            closed.append(self)

    made = [Environment(), Environment()]

    def make(*args: object, **options: object) -> Environment:
        if not made:
            raise MemoryError("the third one does not fit")
        return made.pop()

    for module in (gather, evaluation):
        monkeypatch.setattr(module, "make_environment", make)
    ann = dense_network((4, 8, 2))
    with pytest.raises(MemoryError):
        play(greedy(ann), ann, "CartPole-v1", episodes=3)
    assert len(closed) == 2
    made[:] = [Environment(), Environment()]
    with pytest.raises(MemoryError):
        evaluation.evaluate(AnnAgent(ann), "CartPole-v1", episodes=3)
    assert len(closed) == 4


def test_episodes_have_their_length_as_return_in_cartpole() -> None:
    ann = dense_network((4, 8, 2))
    played = play(greedy(ann), ann, "CartPole-v1", episodes=30, seed=1)
    assert len(played.returns) == 30
    lengths = np.bincount(played.episode)
    np.testing.assert_array_equal(played.returns, lengths)
    np.testing.assert_array_equal(played.actions, greedy(ann)(played.observations))


def test_what_cannot_be_gathered_is_refused() -> None:
    ann = dense_network()
    with pytest.raises(OptionError, match="calibration needs observations, or an environment"):
        convert(ann, normalization="channel")
    with pytest.raises(EnvironmentMismatchError, match="3 discrete actions"):
        convert(ann, normalization="channel", env_id="CartPole-v1")
    with pytest.raises(UnknownEnvironmentError):
        convert(ann, normalization="channel", env_id="CartPole-v9")
    with pytest.raises(ObservationError, match="at least 1 observation"):
        convert(ann, np.zeros((0, 4), np.float32), normalization="channel")
    with pytest.raises(OptionError, match="did you mean 'channel'"):
        convert(ann, np.zeros((1, 4)), normalization="chanel")  # type: ignore[arg-type]
