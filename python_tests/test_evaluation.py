"""Evaluations: the same numbers however the episodes are played, and what they mean."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from random_decisions import random_model
from simulators import dense_model
from small_environments import OldWalk, PassesOn, Walk

from dsqn_fast.agents import AnnAgent, SpikingAgent
from dsqn_fast.environments import make_environment
from dsqn_fast.episodes import STEP_BITS, episode_seed
from dsqn_fast.errors import (
    EnvironmentMismatchError,
    ObservationError,
    OptionError,
    UnknownEnvironmentError,
)
from dsqn_fast.evaluation import EvaluationReport, Progress, evaluate
from dsqn_fast.model import AnnModel, Dense, SpikingModel
from dsqn_fast.model_io import load_policy
from dsqn_fast.statistics import binomial_interval, bootstrap_interval

TIMES = {"decisions_per_second", "n_envs"}


def _numbers(report: EvaluationReport) -> dict[str, Any]:
    return {name: value for name, value in report.to_dict().items() if name not in TIMES}


def _source(n_inputs: int = 2) -> AnnModel:
    weight = np.zeros((n_inputs, 2))
    weight[0] = 1.0, -1.0
    return AnnModel(layers=(Dense(weight=weight, bias=np.zeros(2)),), input_shape=(n_inputs,))


@pytest.fixture(scope="module")
def walker() -> SpikingModel:
    """A noisy policy of `Walk` that carries a source."""
    rng = np.random.default_rng(3)
    model = random_model(rng, (2, 9, 2), n_steps=7, encoding="poisson")
    return model.replace(source=_source())


class Always:
    """Plays one action."""

    def __init__(self, action: int) -> None:
        self.action = action

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: Any = 1
    ) -> Any:
        return np.full(len(observation), self.action), state


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("n_envs", [1, 3, 16, None])
def test_the_numbers_do_not_depend_on_how_episodes_are_played(
    walker: SpikingModel, n_envs: int | None, n_threads: int
) -> None:
    wanted = evaluate(SpikingAgent(walker, seed=5), Walk, episodes=20, seed=2, n_envs=7)
    agent = SpikingAgent(walker, seed=5, n_threads=n_threads)
    found = evaluate(agent, Walk, episodes=20, seed=2, n_envs=n_envs)
    assert _numbers(found) == _numbers(wanted)
    assert found.n_envs == (16 if n_envs is None else n_envs)
    assert 0 < (wanted.agreement or 0) < 1
    assert wanted.std > 0


def test_an_evaluation_repeats_on_a_used_agent(walker: SpikingModel) -> None:
    agent = SpikingAgent(walker)
    first = evaluate(agent, Walk, episodes=5, seed=1)
    agent.predict(np.zeros(2))
    assert _numbers(evaluate(agent, Walk, episodes=5, seed=1)) == _numbers(first)


def test_seeds_change_the_episodes_and_the_noise(walker: SpikingModel) -> None:
    plain = evaluate(SpikingAgent(walker), Walk, episodes=8)
    for agent, seed in ((SpikingAgent(walker), 1), (SpikingAgent(walker, seed=1), 0)):
        other = evaluate(agent, Walk, episodes=8, seed=seed)
        assert _numbers(other)["spikes_per_decision"] != plain.spikes_per_decision
    seeds = {episode_seed(seed, e) for seed in (0, 1, 2**64 - 1) for e in range(100)}
    assert len(seeds) == 300
    assert max(seeds) < 2**31


def test_more_episodes_begin_with_the_same_ones(walker: SpikingModel) -> None:
    few, many = (evaluate(SpikingAgent(walker), Walk, episodes=n, seed=4) for n in (3, 11))
    np.testing.assert_array_equal(many.returns[:3], few.returns)


def test_the_report_is_that_of_a_plain_loop(walker: SpikingModel) -> None:
    agent, source, seed = SpikingAgent(walker, seed=9), AnnAgent(_source()), 6
    returns, lengths, equal, spikes = [], [], 0, 0
    for episode in range(6):
        env = Walk()
        seen, _ = env.reset(seed=episode_seed(seed, episode))
        total, step, over = 0.0, 0, False
        while not over:
            result = agent.simulate(seen, decisions=(episode << STEP_BITS) + step)
            action = int(result.actions[0])
            equal += action == int(source.predict(seen)[0])
            spikes += int(result.total_spikes[0])
            seen, reward, terminated, truncated, _ = env.step(action)
            total, step, over = total + reward, step + 1, terminated or truncated
        returns.append(total)
        lengths.append(step)
    report = evaluate(SpikingAgent(walker, seed=9), Walk, episodes=6, seed=seed, n_envs=4)
    assert report.returns.tolist() == returns
    assert report.lengths.tolist() == lengths
    assert report.agreement == equal / sum(lengths)
    assert report.spikes_per_decision == spikes / sum(lengths)
    assert (report.episodes, report.decisions, report.env_id) == (6, sum(lengths), "Walk")
    assert (report.mean, report.std) == (np.mean(returns), np.std(returns))
    assert report.confidence_interval == bootstrap_interval(returns, seed=seed)
    assert report.agreement_interval == binomial_interval(equal, sum(lengths))


def test_truncated_episodes_count_as_they_are() -> None:
    report = evaluate(Always(1), lambda: Walk(edge=1e9, limit=4), episodes=5, n_envs=2)
    assert report.lengths.tolist() == [4] * 5
    assert report.returns.tolist() == [10.0] * 5
    with pytest.raises(OptionError, match="max_episode_steps needs an environment id"):
        evaluate(Always(1), Walk, max_episode_steps=4)
    report = evaluate(Always(1), "CartPole-v1", episodes=5, max_episode_steps=3)
    assert report.returns.tolist() == [3.0] * 5


def test_agreement_is_that_of_the_visited_states() -> None:
    same = evaluate(AnnAgent(_source()), Walk, episodes=5, source=_source())
    assert same.agreement == 1.0
    assert same.agreement_interval is not None
    assert same.agreement_interval.high == 1.0
    other = evaluate(Always(1), Walk, episodes=5, source=Always(0))
    assert other.agreement == 0.0
    unknown = evaluate(Always(1), Walk, episodes=5)
    assert unknown.agreement is unknown.agreement_interval is None
    assert unknown.spikes_per_decision is unknown.steps_used is None


def test_a_recurrent_agent_keeps_a_state_per_environment() -> None:
    class Counts:
        def predict(
            self, observation: Any, state: Any = None, episode_start: Any = None, **_: Any
        ) -> Any:
            before = np.zeros(len(observation)) if state is None else state[0]
            count = np.where(episode_start, 0, before) + 1
            # The second entry of an observation is the step of its episode.
            wrong.append(np.abs(count - 1 - observation[:, 1])[alive(observation)].max(initial=0))
            return np.ones(len(observation), int), (count,)

    def alive(observation: Any) -> Any:
        return np.abs(observation[:, 0]) <= 3

    wrong: list[float] = []
    report = evaluate(Counts(), Walk, episodes=9, n_envs=3)
    found = evaluate(Always(1), Walk, episodes=9, n_envs=3)
    assert report.returns.tolist() == found.returns.tolist()
    assert max(wrong[: int(found.lengths.min())]) == 0


@pytest.mark.parametrize(
    "make", [Walk, OldWalk, lambda: PassesOn(Walk())], ids=["gymnasium", "gym-0.21", "gym-0.26"]
)
def test_ready_made_environments(walker: SpikingModel, make: Any) -> None:
    wanted = evaluate(SpikingAgent(walker), Walk, episodes=4, seed=3)
    env = make()
    found = evaluate(SpikingAgent(walker), env, episodes=4, seed=3)
    assert _numbers(found) | {"env_id": ""} == _numbers(wanted) | {"env_id": ""}
    assert found.n_envs == 1
    # A function that makes them is asked as often as needed.
    found = evaluate(SpikingAgent(walker), make, episodes=4, seed=3, n_envs=2)
    assert found.returns.tolist() == wanted.returns.tolist()


def test_only_environments_made_here_are_closed(walker: SpikingModel) -> None:
    ready, made = Walk(), [Walk(), Walk()]
    evaluate(SpikingAgent(walker), ready, episodes=2)
    assert not ready.closed
    assert ready.seeds == [episode_seed(0, 0), episode_seed(0, 1)]
    waiting = list(made)
    evaluate(SpikingAgent(walker), waiting.pop, episodes=3, n_envs=2)
    assert all(env.closed for env in made)


def test_an_environment_that_starts_with_integers_is_seen_whole() -> None:
    class Whole(OldWalk):
        def reset(self) -> Any:
            super().reset()
            return np.zeros(2, int)

    seen: list[Any] = []

    class Looks(Always):
        def predict(self, observation: Any, *args: Any, **options: Any) -> Any:
            seen.append(np.array(observation))
            return super().predict(observation, *args, **options)

    evaluate(Looks(1), Whole(edge=1e9), episodes=1)
    assert any(row[0, 0] != round(float(row[0, 0])) for row in seen)


def test_an_agents_own_environment_and_preprocessing() -> None:
    model = dense_model(
        [np.zeros((5, 2))], env_id="CartPole-v1", preprocessing={"name": "append-one"}
    )
    report = evaluate(SpikingAgent(model), episodes=3)
    assert report.env_id == "CartPole-v1"
    env = make_environment("CartPole-v1", preprocessing="append-one")
    found = evaluate(SpikingAgent(model), env, episodes=3)
    assert found.returns.tolist() == report.returns.tolist()
    with pytest.raises(EnvironmentMismatchError, match=r"\(5,\).*\(4,\)"):
        evaluate(SpikingAgent(model), make_environment("CartPole-v1"))


def test_progress_is_reported_up_to_the_end(walker: SpikingModel) -> None:
    calls: list[Progress] = []
    report = evaluate(SpikingAgent(walker), Walk, episodes=7, n_envs=2, progress=calls.append)
    done = [call.episodes_done for call in calls]
    assert done == sorted(done)
    assert done[-1] == calls[-1].episodes == 7
    assert calls[-1].decisions == report.decisions
    assert calls[-1].mean_return == pytest.approx(report.mean)
    assert calls[-1].decisions_per_second == pytest.approx(report.decisions_per_second)
    assert calls[0].episodes_done > 0 or calls[0].mean_return is None


def test_intervals_of_equal_and_of_single_returns() -> None:
    equal = evaluate(Always(1), lambda: Walk(edge=1e9, limit=2), episodes=6)
    assert equal.confidence_interval == (3.0, 3.0)
    single = evaluate(Always(1), Walk, episodes=1)
    assert math.isnan(single.confidence_interval.low)
    data = json.loads(json.dumps(single.to_dict(), allow_nan=False))
    assert (data["ci_low"], data["ci_high"], data["std_return"]) == (None, None, 0.0)
    assert replace(single, decision_seconds=0.0).decisions_per_second > 0


def test_the_shipped_policy_plays_as_its_readme_says(policies: Any) -> None:
    model = load_policy(policies / "cartpole-dqn.npz")
    report = evaluate(SpikingAgent(model), episodes=30, seed=11)
    assert model.n_steps <= 64
    assert report.mean >= 475
    assert report.agreement is not None
    assert report.agreement > 0.95
    assert report.steps_used == model.n_steps


@pytest.mark.parametrize(
    ("error", "message", "env", "options"),
    [
        (OptionError, "episodes must be .* not 0", Walk, {"episodes": 0}),
        (OptionError, "episodes must be .* not 1099511627776", Walk, {"episodes": 2**40}),
        (OptionError, "n_envs must be .* not -1", Walk, {"n_envs": -1}),
        (OptionError, "n_envs must be 1 for a ready-made .* not 2", Walk(), {"n_envs": 2}),
        (OptionError, "seed must be .* not -1", Walk, {"seed": -1}),
        (OptionError, "AnnModel or have predict", Walk, {"source": 3}),
        (OptionError, "names no environment", None, {}),
        (OptionError, "env must be an environment id.* not int", 3, {}),
        (UnknownEnvironmentError, "nearest is 'CartPole-v1'", "CartPol-v1", {}),
        (EnvironmentMismatchError, "Pendulum-v1", "Pendulum-v1", {}),
        (EnvironmentMismatchError, "has no reset", dict, {}),
    ],
)
def test_bad_input_is_refused(
    walker: SpikingModel, error: Any, message: str, env: Any, options: dict[str, Any]
) -> None:
    with pytest.raises(error, match=message):
        evaluate(SpikingAgent(walker), env, **options)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_observations_that_are_not_finite_are_refused(walker: SpikingModel, value: float) -> None:
    class Broken(Walk):
        def _seen(self) -> Any:
            return np.full(2, value, np.float32) if self.steps > 1 else super()._seen()

    env = Broken(edge=1e9)
    for agent in (SpikingAgent(walker), AnnAgent(_source())):
        with pytest.raises(ObservationError, match="must be finite"):
            evaluate(agent, env, episodes=2)
