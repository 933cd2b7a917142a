from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from command_calls import call, refused, table_rows

from dsqn_fast.agents import SpikingAgent
from dsqn_fast.deploy.playing import BackendAgent
from dsqn_fast.errors import TargetError
from dsqn_fast.evaluation import evaluate
from dsqn_fast.model_io import load_policy


def test_a_policy_plays_on_a_target_as_in_the_engine(policies: Path) -> None:
    model = load_policy(policies / "cartpole-dqn.npz")
    ours = evaluate(SpikingAgent(model, n_steps=4), episodes=3, seed=2, max_episode_steps=40)
    with BackendAgent(model, "reference", n_steps=4) as agent:
        theirs = evaluate(agent, episodes=3, seed=2, max_episode_steps=40)
        agreement = agent.compared.agreement()
    assert np.array_equal(theirs.returns, ours.returns)
    assert theirs.agreement == ours.agreement
    assert theirs.spikes_per_decision == ours.spikes_per_decision
    assert theirs.synaptic_operations_per_decision == ours.synaptic_operations_per_decision
    assert agreement is not None
    assert agreement.equal == agreement.of >= ours.decisions


def test_an_agent_predicts_until_it_is_closed(policies: Path) -> None:
    model = load_policy(policies / "cartpole-dqn.npz")
    with BackendAgent(model, "reference", n_steps=4) as agent:
        action, state = agent.predict(np.zeros(4))
        assert action.shape == ()
        assert state is None
    with pytest.raises(TargetError, match="was closed: make another"):
        agent.predict(np.zeros(4))


def test_differing_actions_are_counted(policies: Path, register: Callable[[str], str]) -> None:
    model = load_policy(policies / "cartpole-dqn.npz")
    ours = SpikingAgent(model).predict(np.full(4, 0.1))[0]
    amount = 1e6 if ours == 1 else -1e6
    with BackendAgent(model, register("Flipped"), options={"amount": amount}) as agent:
        agent.predict(np.full((3, 4), 0.1))
        agreement = agent.compared.agreement()
    assert agreement is not None
    assert (agreement.equal, agreement.of) == (2, 3)


@pytest.mark.usefixtures("nest")
def test_the_command_plays_in_nest(capsys: pytest.CaptureFixture[str], policies: Path) -> None:
    words = ("run", policies / "cartpole-dqn.npz", "--episodes", 2, "-T", 8)
    words = (*words, "--max-episode-steps", 30)
    ours = json.loads(call(capsys, *words, "--json", "-"))
    data = json.loads(call(capsys, *words, "--backend", "nest", "--json", "-"))
    assert data["returns"] == ours["returns"]
    assert data["agreement"] == ours["agreement"]
    assert data["agreement_engine"]["share"] == 1.0
    assert data["backend"] == "nest"


def test_the_command_refuses(capsys: pytest.CaptureFixture[str], policies: Path) -> None:
    words = ("run", policies / "cartpole-dqn.npz", "--episodes", 1)
    assert "need --backend" in refused(capsys, *words, "--option", "a=b")
    assert "are the engine's" in refused(capsys, *words, "--backend", "nest", "--threads", 2)
    assert "target must be one of" in refused(capsys, *words, "--backend", "loihi")


def test_the_command_shows_where_it_played(
    capsys: pytest.CaptureFixture[str], policies: Path
) -> None:
    words = ("run", policies / "cartpole-dqn.npz", "--episodes", 1, "--max-episode-steps", 5)
    rows = table_rows(call(capsys, *words, "--backend", "reference"))
    assert rows["played on"] == "NumPy reference"
    assert rows["agreement with the engine"].startswith("100.00 %")
