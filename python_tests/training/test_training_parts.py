"""The parts of training alone: rewards, scaling, export, targets, folders."""

from __future__ import annotations

import json
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from dsqn_fast.errors import OutputPathError, TrainingError
from dsqn_fast.training.dqn_settings import DqnSettings
from dsqn_fast.training.network_evaluation import action_gaps
from dsqn_fast.training.rewards import with_reward
from dsqn_fast.training.run_folder import RunFolder
from dsqn_fast.training.training_environment import make_training_environment

torch = pytest.importorskip("torch")


def test_failure_reward_is_minus_one_at_the_end_alone() -> None:
    env = with_reward(gymnasium.make("CartPole-v1"), "failure")
    env.reset(seed=0)
    rewards = []
    ended = False
    while not ended:
        _, reward, ended, _, _ = env.step(1)
        rewards.append(float(reward))
    assert rewards == [0.0] * (len(rewards) - 1) + [-1.0]


def test_failure_reward_does_not_blame_a_time_out() -> None:
    env = with_reward(gymnasium.make("CartPole-v1", max_episode_steps=3), "failure")
    env.reset(seed=0)
    steps = [env.step(action) for action in (0, 1, 0)]
    assert [step[1] for step in steps] == [0.0, 0.0, 0.0]
    assert steps[-1][3]


def test_mountain_car_reward_follows_its_equation() -> None:
    env = with_reward(gymnasium.make("MountainCar-v0"), "mountain-car")
    env.reset(seed=0)
    for _ in range(50):
        observation, reward, _, _, _ = env.step(2)
        assert reward == min(-1.0 + abs(float(observation[0]) + 0.5), -0.1)


def test_energy_reward_is_what_the_car_gains() -> None:
    env = with_reward(gymnasium.make("MountainCar-v0"), "mountain-car-energy")
    plain = gymnasium.make("MountainCar-v0")
    before, _ = env.reset(seed=1)
    plain.reset(seed=1)

    def energy(observation: np.ndarray) -> float:
        position, velocity = map(float, observation)
        return velocity**2 / 2 + 0.0025 / 3 * np.sin(3 * position)

    needed = 0.0025 / 3 * (np.sin(3 * 0.5) + 1)
    steps, ended, cut = 0, False, False
    while not (ended or cut):
        steps += 1
        action = 2 if before[1] >= 0 else 0
        observation, reward, ended, cut, _ = env.step(action)
        assert plain.step(action)[2:4] == (ended, cut)
        wanted = -0.01 + (energy(observation) - energy(before)) / needed
        assert reward == pytest.approx(wanted, abs=1e-12)
        before = observation
    # Pushing along the motion gains energy and reaches the goal.
    assert ended
    assert 90 < steps < 160


@pytest.mark.parametrize("n_step", [1, 3])
def test_a_time_out_is_not_learned_as_an_end(n_step: int) -> None:
    pytest.importorskip("stable_baselines3")
    from dsqn_fast.training.q_learning import QLearning

    settings = DqnSettings(hidden=(4,), n_step=n_step, learning_starts=10**6)
    env = make_training_environment("MountainCar-v0", settings)
    model = QLearning(env, settings=settings, seed=0)
    model.learn(450)
    memory = model.replay_buffer
    assert memory is not None
    assert memory.dones[: memory.size()].sum() == memory.timeouts[: memory.size()].sum() == 2
    assert float(memory.sample(400).dones.sum()) == 0


def test_observations_are_scaled_and_the_scaling_is_folded_into_the_network() -> None:
    from dsqn_fast.training.input_scaling import InputScaling
    from dsqn_fast.training.network_arrays import plain_arrays
    from dsqn_fast.training.network_export import export_network

    mean, scale = (0.1, -0.2, 0.3, 0.0), (2.0, 3.0, 0.5, 1.0)
    settings = DqnSettings(observation_mean=mean, observation_scale=scale)
    env = make_training_environment("CartPole-v1", settings)
    plain = gymnasium.make("CartPole-v1")
    scaled, _ = env.reset(seed=5)
    raw, _ = plain.reset(seed=5)
    np.testing.assert_allclose(scaled, (raw - np.array(mean)) / np.array(scale), rtol=1e-6)
    assert env.observation_space.contains(scaled)

    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(4, 7), torch.nn.ReLU(), torch.nn.Linear(7, 2))
    ann = export_network(
        module,
        scaling=InputScaling(mean=np.array(mean), scale=np.array(scale)),
        env_id="CartPole-v1",
        provenance={},
    )
    wanted = module(torch.as_tensor(scaled)).detach().numpy()
    np.testing.assert_allclose(ann.forward(raw)[0], wanted, rtol=1e-5, atol=1e-6)
    assert list(plain_arrays(ann)) == ["w0", "b0", "w1", "b1"]


def test_action_gaps_are_relative_to_the_largest_value() -> None:
    gaps = action_gaps(np.array([[1.0, -2.0, 0.5], [3.0, 3.0, 1.0], [0.0, 0.0, 0.0]]))
    np.testing.assert_allclose(gaps, [0.25, 0.0, 0.0])
    np.testing.assert_array_equal(action_gaps(np.ones((3, 1))), np.zeros(3))


@pytest.mark.parametrize("double_q", [True, False])
def test_targets_follow_their_equation(double_q: bool) -> None:
    pytest.importorskip("stable_baselines3")
    from dsqn_fast.training.q_learning import QLearning

    settings = DqnSettings(
        hidden=(5,), double_q=double_q, gamma=0.9, n_step=2, learning_starts=50, buffer_size=200
    )
    model = QLearning(make_training_environment("CartPole-v1", settings), settings=settings, seed=0)
    model.learn(60)
    with torch.no_grad():
        for parameter in model.q_net_target.parameters():
            parameter.copy_(torch.randn(parameter.shape))
    assert model.replay_buffer is not None
    batch = model.replay_buffer.sample(40)
    online = model.q_net(batch.next_observations).detach().numpy()
    target = model.q_net_target(batch.next_observations).detach().numpy()
    chosen = (online if double_q else target).argmax(axis=1)
    following = target[np.arange(40), chosen]
    rewards, dones = batch.rewards.numpy()[:, 0], batch.dones.numpy()[:, 0]
    assert 0 < dones.sum() < 40
    discounts = batch.discounts.numpy()[:, 0]
    wanted = rewards + (1 - dones) * discounts * following
    np.testing.assert_allclose(model._targets(batch).numpy()[:, 0], wanted, rtol=1e-5)
    assert (online.argmax(axis=1) != target.argmax(axis=1)).any()


def test_target_network_is_copied_every_so_many_episodes() -> None:
    pytest.importorskip("stable_baselines3")
    from dsqn_fast.training.q_learning import QLearning

    settings = DqnSettings(
        hidden=(4,), target_unit="episodes", target_every=3, tau=1.0, learning_starts=10
    )
    model = QLearning(make_training_environment("CartPole-v1", settings), settings=settings, seed=1)
    copies: list[int] = []
    weight = model.q_net_target.q_net[0].weight

    def watch(local: dict[str, object], _: dict[str, object]) -> bool:
        now = weight.detach().clone()
        if not copies or not torch.equal(now, before[0]):
            copies.append(model._episode_num)
            before[:] = [now]
        return True

    before = [weight.detach().clone()]
    model.learn(300, callback=watch)
    # The first entry is the start; every other one is the number of a third episode.
    assert len(copies) > 2
    assert all(episode % 3 == 0 for episode in copies)


def test_epsilon_decays_by_a_factor_per_step() -> None:
    pytest.importorskip("stable_baselines3")
    from dsqn_fast.training.q_learning import QLearning

    settings = DqnSettings(epsilon_decay=0.99, epsilon_end=0.05, total_steps=1000)
    model = QLearning(make_training_environment("CartPole-v1", settings), settings=settings, seed=0)
    assert model.exploration_schedule(1.0) == 1.0
    assert model.exploration_schedule(0.9) == pytest.approx(0.99**100)
    assert model.exploration_schedule(0.0) == 0.05


def test_a_line_that_was_cut_short_is_left_out(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.create({"method": "dqn"}, {})
    folder.append_evaluation({"step": 1})
    folder.append_evaluation({"step": 2})
    path = tmp_path / "run" / "evaluations.jsonl"
    path.write_bytes(path.read_bytes()[:-3])
    assert folder.evaluations() == [{"step": 1}]


def test_damaged_evaluations_are_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.create({"method": "dqn"}, {})
    (tmp_path / "run" / "evaluations.jsonl").write_text("no json\n")
    with pytest.raises(TrainingError, match="does not hold the evaluations"):
        folder.evaluations()


def test_a_folder_that_went_away_is_told(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with pytest.raises(OutputPathError, match="cannot be written"):
        folder.append_evaluation({"step": 1})
    folder.create({"method": "dqn"}, {})
    assert json.loads((tmp_path / "run" / "config.json").read_text()) == {"method": "dqn"}


def test_quantised_outputs_follow_their_equation() -> None:
    from dsqn_fast.model import AnnModel, Dense
    from dsqn_fast.training.quantised_network import quantised_agreement, quantised_outputs

    rng = np.random.default_rng(0)
    layers = (
        Dense(weight=rng.normal(size=(3, 6)), bias=rng.normal(size=6)),
        Dense(weight=rng.normal(size=(6, 2)), bias=rng.normal(size=2)),
    )
    ann = AnnModel(layers=layers, input_shape=(3,))
    observations = rng.normal(size=(500, 3))
    hidden = np.maximum(observations @ layers[0].weight + layers[0].bias, 0)
    scale = np.quantile(hidden, 0.999, axis=0)
    rounded = np.clip(np.floor(hidden * 4 / scale + 0.5), 0, 4) * scale / 4
    wanted = rounded @ layers[1].weight + layers[1].bias
    np.testing.assert_allclose(quantised_outputs(ann, observations, levels=4), wanted)
    shares = [quantised_agreement(ann, observations, levels=levels) for levels in (1, 4, 4096)]
    assert shares[0] < shares[1] < shares[2]
    assert shares[2] > 0.99
