"""Agents have Stable-Baselines3's `predict`, and decide as the network that they play does."""

from __future__ import annotations

from functools import partial
from typing import Any

import gymnasium
import numpy as np
import pytest
from random_decisions import random_model
from simulators import assert_equal_results

from dsqn_fast.agents import AnnAgent, SpikingAgent, as_batch, source_agent
from dsqn_fast.engine import Engine
from dsqn_fast.errors import ObservationError, OptionError
from dsqn_fast.model import AnnModel, Conv2d, Dense, Flatten, SpikingModel
from dsqn_fast.model.options import PRECISIONS, Precision
from dsqn_fast.reference import simulate_reference


@pytest.fixture
def model() -> SpikingModel:
    rng = np.random.default_rng(4)
    return random_model(rng, (4, 16, 3), n_steps=20, encoding="constant", env_id="X-v0")


@pytest.fixture
def noisy() -> SpikingModel:
    rng = np.random.default_rng(5)
    return random_model(rng, (4, 16, 3), n_steps=8, encoding="poisson")


@pytest.fixture
def observations() -> Any:
    return np.random.default_rng(6).uniform(-1, 1, (40, 4)).astype(np.float32)


@pytest.fixture
def ann() -> AnnModel:
    rng = np.random.default_rng(7)
    layers = tuple(
        Dense(weight=rng.normal(size=shape).astype(np.float32), bias=np.zeros(shape[1]))
        for shape in ((4, 16), (16, 3))
    )
    return AnnModel(layers=layers, input_shape=(4,), env_id="Y-v0", preprocessing={"name": "p"})


def test_a_batch_gets_the_actions_of_the_engine(model: SpikingModel, observations: Any) -> None:
    agent = SpikingAgent(model)
    actions, state = agent.predict(observations)
    np.testing.assert_array_equal(actions, Engine(model).run(observations).actions, strict=True)
    assert len(set(actions.tolist())) > 1
    assert state is None
    assert (agent.env_id, agent.source, agent.preprocessing) == ("X-v0", None, None)


def test_one_observation_gets_one_action(model: SpikingModel, observations: Any) -> None:
    agent = SpikingAgent(model)
    batch, _ = agent.predict(observations)
    for row, wanted in zip(observations, batch, strict=True):
        action, _ = agent.predict(row)
        assert action.shape == ()
        assert action.dtype == np.int64
        assert action == wanted
    assert agent.predict(observations[:0])[0].shape == (0,)
    assert agent.predict(observations[0].tolist())[0] == batch[0]


def test_the_state_is_given_back(model: SpikingModel, ann: AnnModel, observations: Any) -> None:
    state = (np.ones(3),)
    for agent in (SpikingAgent(model), AnnAgent(ann)):
        starts = np.ones(len(observations), bool)
        assert agent.predict(observations, state, starts, False)[1] is state


def test_the_count_of_decisions_keys_the_noise(noisy: SpikingModel, observations: Any) -> None:
    first, again, other = (SpikingAgent(noisy, seed=seed) for seed in (1, 1, 2))
    together = first.predict(observations)[0]
    one_by_one = [int(again.predict(row)[0]) for row in observations]
    assert together.tolist() == one_by_one
    assert first.decisions_made == again.decisions_made == len(observations)
    assert together.tolist() != other.predict(observations)[0].tolist()
    # The next decisions have new noise; a given index brings the old noise back.
    later = first.simulate(observations)
    repeated = first.simulate(observations, decisions=0)
    np.testing.assert_array_equal(repeated.actions, together)
    assert (later.input_spikes != repeated.input_spikes).any()
    assert first.decisions_made == 2 * len(observations)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("n_steps", [5, 20, 64])
def test_every_precision_takes_any_number_of_steps(
    noisy: SpikingModel, observations: Any, precision: Precision, n_steps: int
) -> None:
    agent = SpikingAgent(noisy, n_steps=n_steps, precision=precision, seed=3, n_threads=2)
    wanted = simulate_reference(
        noisy.replace(n_steps=n_steps), observations, precision=precision, seed=3
    )
    assert_equal_results(agent.simulate(observations, decisions=0), wanted)
    assert (agent.n_steps, agent.n_threads, agent.precision) == (n_steps, 2, precision)
    assert agent.model is noisy


def test_another_simulator_may_compute(model: SpikingModel, observations: Any) -> None:
    agent = SpikingAgent(model, n_steps=9, simulator=partial(simulate_reference, model))
    result = agent.simulate(observations, record="all")
    assert isinstance(result.actions, np.ndarray)
    assert_equal_results(
        SpikingAgent(model, n_steps=9).simulate(observations, record="all"), result
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_steps": 0}, "n_steps must be an integer from 1 to 16777216, not 0"),
        ({"n_steps": -1}, "n_steps .* not -1"),
        ({"n_steps": 2**40}, "n_steps .* not 1099511627776"),
        ({"n_steps": 1.5}, r"n_steps .* not 1\.5"),
        ({"n_threads": 0}, "n_threads must be from 1 to 1024, not 0"),
        ({"n_threads": 2**40}, "n_threads must be from 1 to 1024, not 1099511627776"),
        ({"precision": "float16"}, "precision must be one of .*float64.*, not 'float16'"),
        ({"seed": -1}, "seed must be from 0 .* not -1"),
    ],
)
def test_options_out_of_range_are_refused(
    model: SpikingModel, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        SpikingAgent(model, **options)


@pytest.mark.parametrize(
    "observation",
    [
        np.zeros(5),
        np.zeros((2, 5)),
        np.zeros(()),
        np.full(4, np.nan),
        ["a"] * 4,
        None,
        [[1], [1, 2]],
    ],
)
def test_observations_that_do_not_fit_are_refused(
    model: SpikingModel, ann: AnnModel, observation: Any
) -> None:
    spiking = SpikingAgent(model)
    for agent in (spiking, AnnAgent(ann)):
        with pytest.raises(ObservationError):
            agent.predict(observation)
    assert spiking.decisions_made == 0


def test_the_source_network_plays_greedily(ann: AnnModel, observations: Any) -> None:
    agent = AnnAgent(ann)
    hidden = np.maximum(observations.astype(np.float64) @ ann.layers[0].weight, 0)  # type: ignore[union-attr]
    wanted = (hidden @ ann.layers[1].weight).argmax(axis=1)  # type: ignore[union-attr]
    actions, _ = agent.predict(observations)
    np.testing.assert_array_equal(actions, wanted)
    assert [int(agent.predict(row)[0]) for row in observations] == wanted.tolist()
    assert (agent.env_id, agent.preprocessing) == ("Y-v0", {"name": "p"})


def test_equal_outputs_give_the_first_action() -> None:
    layer = Dense(weight=np.zeros((4, 3)), bias=np.array([1.0, 2.0, 2.0]))
    agent = AnnAgent(AnnModel(layers=(layer,), input_shape=(4,)))
    assert agent.predict(np.ones(4))[0] == 1


def test_images_are_turned_as_the_network_wants_them() -> None:
    rng = np.random.default_rng(8)
    layers = (
        Conv2d(weight=rng.normal(size=(2, 2, 3, 4)), bias=np.zeros(4)),
        Flatten(),
        Dense(weight=rng.normal(size=(4 * 5 * 4, 3)), bias=np.zeros(3)),
    )
    ann = AnnModel(layers=layers, input_shape=(5, 6, 3), channels_first=True)
    last = rng.integers(0, 256, (99, 5, 6, 3), dtype=np.uint8)
    first = last.transpose(0, 3, 1, 2)
    agent = AnnAgent(ann)
    np.testing.assert_array_equal(agent.predict(last)[0], agent.predict(first)[0])
    np.testing.assert_array_equal(as_batch(ann, last)[0], first)
    assert as_batch(ann, last[0])[1]
    assert len(set(agent.predict(first)[0].tolist())) > 1


def test_a_source_is_a_network_or_an_agent(ann: AnnModel, model: SpikingModel) -> None:
    agent = SpikingAgent(model)
    assert source_agent(None) is None
    assert source_agent(agent) is agent
    found = source_agent(ann)
    assert isinstance(found, AnnAgent)
    assert found.ann is ann
    with pytest.raises(OptionError, match="AnnModel or have predict"):
        source_agent("net.npz")  # type: ignore[arg-type]


@pytest.mark.parametrize("n_envs", [1, 3])
def test_stable_baselines_evaluates_an_agent(policies: Any, n_envs: int) -> None:
    pytest.importorskip("stable_baselines3")
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.monitor import Monitor
    from stable_baselines3.common.vec_env import DummyVecEnv

    from dsqn_fast.model_io import load_policy

    model = load_policy(policies / "cartpole-dqn.npz")
    assert model.source is not None
    for agent in (SpikingAgent(model), AnnAgent(model.source)):
        env = DummyVecEnv([lambda: Monitor(gymnasium.make("CartPole-v1"))] * n_envs)
        env.seed(0)
        mean, _ = evaluate_policy(agent, env, n_eval_episodes=3)  # type: ignore[arg-type]
        assert mean > 400
        env.close()
    single = Monitor(gymnasium.make("CartPole-v1"))
    assert evaluate_policy(SpikingAgent(model), single, n_eval_episodes=1)[0] > 100  # type: ignore[arg-type]
