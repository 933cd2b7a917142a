"""Courses that are stopped and taken up again, teachers of every kind, and the eRBP rule."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dsqn_fast.agents import SpikingAgent
from dsqn_fast.errors import ModelFileError, ModelFileNotFoundError, ObservationError
from dsqn_fast.model import AnnModel, SpikingModel
from dsqn_fast.model_io import load_policy
from dsqn_fast.training.lessons import ImitationOptions, Lessons
from dsqn_fast.training.state_options import StateOptions

torch = pytest.importorskip("torch")

from dsqn_fast.training.course import Course  # noqa: E402
from dsqn_fast.training.erbp_pupil import ErbpPupil  # noqa: E402
from dsqn_fast.training.pupils import Pupil  # noqa: E402
from dsqn_fast.training.relu_pupil import ReluPupil, new_network  # noqa: E402
from dsqn_fast.training.spiking_network import SpikingNetwork  # noqa: E402
from dsqn_fast.training.spiking_pupil import SpikingPupil  # noqa: E402
from dsqn_fast.training.teachers import as_teacher, open_teacher  # noqa: E402

SIZES = (4, 12, 2)
STATES = StateOptions(observations=600, rounds=1, round_observations=300)
LESSONS = ImitationOptions(epochs=4, batch_size=64, learning_rate=3e-3)


def make_pupil(kind: str) -> Pupil:
    torch.manual_seed(3)
    if kind == "relu":
        return ReluPupil(new_network(SIZES, seed=3))
    if kind == "rounded":
        return ReluPupil(new_network(SIZES, seed=3), levels=8)
    network = SpikingNetwork(SIZES, n_steps=6)
    return ErbpPupil(network, seed=1) if kind == "erbp" else SpikingPupil(network, spike_cost=1e-3)


def make_course(kind: str, policies: Path) -> Course:
    teacher = open_teacher(policies / "cartpole-dqn.npz")
    return Course(
        teacher, make_pupil(kind), env_id="CartPole-v1", states=STATES, imitation=LESSONS, seed=9
    )


def weights(course: Course) -> list[np.ndarray]:
    return [one.detach().numpy().copy() for one in course.pupil.module.parameters()]


@pytest.mark.parametrize("kind", ["relu", "rounded", "spiking", "erbp"])
def test_a_course_taken_up_again_comes_to_the_same_end(kind: str, policies: Path) -> None:
    whole = make_course(kind, policies)
    whole.begin()
    moments = []
    while not whole.finished:
        buffer = io.BytesIO()
        torch.save(whole.state(), buffer)
        moments.append(buffer.getvalue())
        whole.advance()
    assert len(moments) == whole.epochs == 8
    assert len(whole.observations) == 900
    for moment in (moments[2], moments[4], moments[7]):
        resumed = make_course(kind, policies)
        resumed.restore(torch.load(io.BytesIO(moment), weights_only=True))
        while not resumed.finished:
            resumed.advance()
        assert resumed.accuracies == whole.accuracies
        for one, two in zip(weights(resumed), weights(whole), strict=True):
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("kind", ["relu", "spiking"])
def test_pupils_learn_and_their_networks_play_what_they_learned(kind: str, policies: Path) -> None:
    course = make_course(kind, policies)
    course.begin()
    start = course.teaching.accuracies[0]
    while not course.finished:
        course.advance()
    assert course.accuracies[-1] > max(start, 0.8)
    network = course.network()
    states = course.observations[:200]
    scaled = torch.from_numpy(course.scaling.apply(states))
    with torch.no_grad():
        wanted = course.pupil.logits(scaled).argmax(1).numpy()
    if isinstance(network, AnnModel):
        actions = network.forward(states).argmax(axis=1)
    else:
        actions = SpikingAgent(network).simulate(states).actions
    # Folding the scaling rounds anew: a state on the edge may fall to the other side.
    assert (actions == wanted).mean() > 0.97
    assert network.env_id == "CartPole-v1"


def test_spikes_that_cost_become_fewer(policies: Path) -> None:
    counts = []
    for cost in (0.0, 0.05):
        course = make_course("spiking", policies)
        assert isinstance(course.pupil, SpikingPupil)
        course.pupil.spike_cost = cost
        course.begin()
        while not course.finished:
            course.advance()
        model = course.network()
        assert isinstance(model, SpikingModel)
        counts.append(SpikingAgent(model).simulate(course.observations).total_spikes.mean())
    assert counts[1] < 0.9 * counts[0]


def test_erbp_follows_its_equations() -> None:
    """The changes of one batch, neuron by neuron and event by event."""
    torch.manual_seed(0)
    network = SpikingNetwork((3, 12, 12, 2), n_steps=9)
    with torch.no_grad():
        for bias in network.biases:
            bias.uniform_(0.1, 0.4)
    pupil = ErbpPupil(network, seed=4, width=0.6, error_threshold=1.5)
    observations = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
    actions = np.array([0, 1, 1, 0])
    events = float(pupil.learn(torch.from_numpy(observations), torch.from_numpy(actions)))
    w = [one.detach().numpy().astype(np.float64) for one in network.weights]
    b = [one.detach().numpy().astype(np.float64) for one in network.biases]
    feedback = [one.numpy().astype(np.float64) for one in pupil.feedback]
    changes = [np.zeros_like(one) for one in w]
    biases = [np.zeros(one.shape[1]) for one in w]
    emitted = 0
    for x, action in zip(observations.astype(np.float64), actions, strict=True):
        v = [np.zeros(one.shape[1]) for one in w]
        u = np.zeros(2)
        for _ in range(9):
            received, gates = [], []
            signal = x
            for layer, weight in enumerate(w):
                received.append(signal)
                v[layer] += signal @ weight + b[layer]
                gates.append(np.abs(v[layer] - 1.0) < 0.6)
                signal = (v[layer] >= 1.0).astype(np.float64)
                v[layer] -= signal
            u += signal - np.eye(2)[action]
            error = np.where(np.abs(u) >= 1.5, np.sign(u), 0.0)
            u -= 1.5 * error
            emitted += int(np.abs(error).sum())
            for layer in range(3):
                reaching = error if layer == 2 else error @ feedback[layer]
                changes[layer] += np.outer(received[layer], gates[layer] * reaching)
                biases[layer] += gates[layer] * reaching
    assert events == pytest.approx(emitted / 4)
    assert emitted > 0
    for layer in range(3):
        assert np.abs(changes[layer]).max() > 0
        found = network.weights[layer].grad, network.biases[layer].grad
        np.testing.assert_allclose(found[0].numpy(), changes[layer] / 36, atol=1e-5)
        np.testing.assert_allclose(found[1].numpy(), biases[layer] / 36, atol=1e-5)


def test_lessons_keep_the_validation_of_every_part_apart() -> None:
    def part(first: int, count: int) -> Lessons:
        states = np.arange(first, first + count)[:, np.newaxis]
        return Lessons.share_out(states, np.zeros(count, np.int64), 0.25, states[:, 0] // 10)

    joined = Lessons.joined([part(0, 40), part(100, 20)])
    assert joined.n_training == 40
    validated = joined.observations[joined.n_training :, 0]
    assert validated.tolist() == [*range(30, 40), *range(110, 120)]


def test_teachers_of_every_kind(policies: Path, shared_data: Path, tmp_path: Path) -> None:
    policy = policies / "cartpole-dqn.npz"
    source = load_policy(policy).source
    assert source is not None
    states = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    found = open_teacher(policy)
    np.testing.assert_array_equal(found.actions(states), source.forward(states).argmax(axis=1))
    assert found.origin["file"] == "cartpole-dqn.npz"
    assert len(found.origin["sha256"]) == 64
    # A policy without a source teaches itself; a run teaches its policy.
    (tmp_path / "config.json").write_text(json.dumps({"env_id": "CartPole-v1"}))
    alone = load_policy(policy).replace(source=None)
    alone.save(tmp_path / "policy.npz")
    spiking = open_teacher(tmp_path)
    assert isinstance(spiking.network, SpikingModel)
    np.testing.assert_array_equal(
        spiking.actions(states), SpikingAgent(alone).simulate(states).actions
    )
    tanh = open_teacher(shared_data / "zoo" / "ppo-CartPole-v1.zip")
    assert tanh.actions(states).shape == (50,)
    plain = open_teacher(shared_data / "thesis" / "cartpole_dqn.npz", env_id="CartPole-v1")
    assert plain.network.env_id == "CartPole-v1"


def test_what_is_no_teacher_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileNotFoundError, match="there is no teacher"):
        open_teacher(tmp_path / "nothing.npz")
    with pytest.raises(ModelFileError, match="is not the folder of a training run"):
        open_teacher(tmp_path)
    (tmp_path / "config.json").write_text('{"env_id": "CartPole-v1"}')
    with pytest.raises(ModelFileError, match="has no network yet"):
        open_teacher(tmp_path)
    (tmp_path / "policy.npz").write_bytes(b"no archive")
    with pytest.raises(ModelFileError, match="is not an"):
        open_teacher(tmp_path)


def test_states_from_outside_are_checked() -> None:
    teacher: Any = as_teacher(new_network(SIZES, seed=0))
    course = Course(
        teacher, make_pupil("relu"), env_id=None, states=STATES, imitation=LESSONS, seed=0
    )
    with pytest.raises(ObservationError, match="too few"):
        course.begin(np.zeros((5, 4), np.float32))
    with pytest.raises(ObservationError, match="shape"):
        course.begin(np.zeros((50, 3), np.float32))
