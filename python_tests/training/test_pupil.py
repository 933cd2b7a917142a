"""A dense network in a view of a game: its memory, its scaling and what is exported."""

from __future__ import annotations

import numpy as np
import pytest

from dsqn_fast.frame_views import VIEWS
from dsqn_fast.model import Dense

pytest.importorskip("torch")
import torch

from dsqn_fast.training.images.imitation_memory import ImitationMemory
from dsqn_fast.training.images.pupil import Pupil


def _states(count: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    sometimes_on = rng.random(6400) < 0.5
    return (rng.integers(0, 11, (count, 6400)) / 4 * sometimes_on).astype(np.float32)


def test_an_exported_pupil_computes_the_same_without_its_scaling() -> None:
    torch.manual_seed(0)
    pupil, states = Pupil("patel", (20,), 4, "ALE/Breakout-v5"), _states(30)
    mean, deviation = states.mean(0), np.maximum(states.std(0), 0.15)
    pupil.scale(torch.from_numpy(mean), torch.from_numpy(deviation))
    seen = states.any(axis=0)
    ann = pupil.export(seen)
    wanted = pupil.outputs(torch.from_numpy(states))
    np.testing.assert_allclose(ann.forward(states.reshape(-1, 1, 80, 80)), wanted, atol=1e-5)
    first = ann.layers[1]
    assert isinstance(first, Dense)
    assert not first.weight[~seen].any()
    assert first.weight[seen].any(axis=1).all()
    actions, _ = pupil.predict(states.reshape(-1, 1, 80, 80))
    np.testing.assert_array_equal(actions, wanted.argmax(axis=1))


def test_steady_pixels_become_part_of_the_biases() -> None:
    torch.manual_seed(0)
    pupil, states = Pupil("patel", (20,), 4, "ALE/Breakout-v5"), _states(200)
    states[:, 100:200] = 2.5
    states[:, 200:300] = 0.0
    states[7, 100:150] = 1.0
    states[7:9, 250:300] = 1.0
    memory = ImitationMemory(VIEWS["patel"], 4, 400)
    memory.add(states, np.zeros((200, 4), np.float32))
    still, usual = memory.steady()
    assert still[100:200].all()
    assert not still[:100].any()
    assert not still[200:].any()
    np.testing.assert_array_equal(usual[100:200], 2.5)
    ann = pupil.export(memory.ever_on, (still, usual))
    others = np.delete(states, 7, axis=0)
    wanted = pupil.outputs(torch.from_numpy(others))
    found = ann.forward(others.reshape(-1, 1, 80, 80))
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    others[:, 100:200] = 0.0
    hidden = ann.forward(others.reshape(-1, 1, 80, 80))
    np.testing.assert_array_equal(hidden, found)


def test_a_memory_keeps_the_newest_states_and_knows_which_inputs_were_ever_on() -> None:
    memory, states = ImitationMemory(VIEWS["patel"], 4, 8), _states(12)
    targets = np.arange(48, dtype=np.float32).reshape(12, 4)
    for begin in range(0, 12, 3):
        memory.add(states[begin : begin + 3], targets[begin : begin + 3])
    assert memory.size == 8
    np.testing.assert_array_equal(memory.latest(3).numpy(), states[:-4:-1])
    np.testing.assert_array_equal(memory.ever_on, states.any(axis=0))
    mean, deviation = memory.moments()
    np.testing.assert_allclose(mean, states[4:].mean(0), atol=1e-5)
    np.testing.assert_allclose(deviation, states[4:].std(0), atol=1e-5)
    batches = list(memory.minibatches(3, np.random.default_rng(0)))
    learned = np.concatenate([targets.numpy() for _, targets in batches])
    np.testing.assert_array_equal(learned[learned[:, 0].argsort()], targets[4:])
    assert [len(states) for states, _ in batches] == [4, 4]
