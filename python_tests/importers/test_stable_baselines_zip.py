"""Agents of Stable-Baselines3 against their own policies."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from sb3_contrib import QRDQN
from stable_baselines3 import A2C, DQN, PPO, SAC

from dsqn_fast.errors import ModelFileError, UnsupportedLayerError
from dsqn_fast.importers import load_ann, load_teacher

RELU = {"activation_fn": torch.nn.ReLU}


class Images(gymnasium.Env[Any, Any]):
    """Random images of bytes."""

    observation_space = gymnasium.spaces.Box(0, 255, (36, 44, 2), np.uint8)
    action_space = gymnasium.spaces.Discrete(3)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> Any:
        return self.observation_space.sample(), 0.0, False, False, {}


def own_outputs(agent: Any, x: np.ndarray) -> np.ndarray:
    """Q-values, mean quantiles or logits as Stable-Baselines3 computes them."""
    tensor = torch.as_tensor(x)
    with torch.no_grad():
        if isinstance(agent, QRDQN):
            return agent.policy.quantile_net(tensor).mean(dim=1).numpy()
        if isinstance(agent, DQN):
            return agent.policy.q_net(tensor).numpy()
        logits = agent.policy.get_distribution(tensor).distribution.logits
        return np.asarray(logits.numpy())


def check(agent: Any, folder: Path, x: np.ndarray) -> None:
    path = folder / "agent.zip"
    agent.save(path)
    ann = load_ann(path)
    found, wanted = ann.forward(x), own_outputs(agent, x)
    if isinstance(agent, A2C | PPO):  # torch normalises logits
        found = torch.log_softmax(torch.from_numpy(found), dim=-1).numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
    actions, _ = agent.predict(x, deterministic=True)
    np.testing.assert_array_equal(ann.forward(x).argmax(axis=1), actions)
    networks = [getattr(agent, name, agent.policy) for name in ("policy", "q_net", "quantile_net")]
    for network in networks:
        np.testing.assert_array_equal(load_ann(network).forward(x), ann.forward(x))


DENSE = {
    "dqn": lambda: DQN("MlpPolicy", "CartPole-v1", buffer_size=10, seed=0),
    "dqn relu": lambda: DQN(
        "MlpPolicy", "Acrobot-v1", buffer_size=10, policy_kwargs={**RELU, "net_arch": [16]}, seed=0
    ),
    "dqn linear": lambda: DQN(
        "MlpPolicy", "CartPole-v1", buffer_size=10, policy_kwargs={"net_arch": []}, seed=0
    ),
    "qrdqn": lambda: QRDQN("MlpPolicy", "CartPole-v1", buffer_size=10, seed=0),
    "qrdqn few": lambda: QRDQN(
        "MlpPolicy", "Acrobot-v1", buffer_size=10, policy_kwargs={"n_quantiles": 7}, seed=0
    ),
    "a2c": lambda: A2C("MlpPolicy", "CartPole-v1", policy_kwargs=RELU, seed=0),
    "ppo": lambda: PPO(
        "MlpPolicy",
        "Acrobot-v1",
        policy_kwargs={**RELU, "net_arch": {"pi": [8, 9], "vf": [7]}},
        seed=0,
    ),
}


@pytest.mark.parametrize("name", DENSE)
def test_dense_policies(tmp_path: Path, name: str) -> None:
    agent = DENSE[name]()
    x = np.random.default_rng(0).normal(size=(9, *agent.observation_space.shape))
    check(agent, tmp_path, x.astype(np.float32))


IMAGES = {
    "dqn": lambda: DQN("CnnPolicy", Images(), buffer_size=10, seed=0),
    "dqn dense": lambda: DQN("MlpPolicy", Images(), buffer_size=10, seed=0),
    "dqn raw": lambda: DQN(
        "CnnPolicy",
        Images(),
        buffer_size=10,
        seed=0,
        policy_kwargs={"normalize_images": False, "features_extractor_kwargs": {}},
    ),
    "qrdqn": lambda: QRDQN(
        "CnnPolicy", Images(), buffer_size=10, seed=0, policy_kwargs={"n_quantiles": 5}
    ),
    "a2c": lambda: A2C("CnnPolicy", Images(), seed=0),
    "ppo": lambda: PPO("CnnPolicy", Images(), n_steps=8, batch_size=8, seed=0),
    "ppo apart": lambda: PPO(
        "CnnPolicy",
        Images(),
        n_steps=8,
        batch_size=8,
        seed=0,
        policy_kwargs={**RELU, "share_features_extractor": False, "net_arch": [16]},
    ),
}


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_image_policies_take_channels_first(tmp_path: Path, name: str) -> None:
    agent = IMAGES[name]()
    x = np.random.default_rng(0).integers(0, 256, (5, 2, 36, 44), dtype=np.uint8)
    if name == "dqn raw":
        path = tmp_path / "agent.zip"
        agent.save(path)
        np.testing.assert_allclose(
            load_ann(path).forward(x), own_outputs(agent, x), rtol=1e-4, atol=1e-4
        )
        return
    check(agent, tmp_path, x)
    ann = load_ann(tmp_path / "agent.zip")
    assert ann.channels_first
    assert ann.input_shape == (36, 44, 2)
    assert any("255" in note for note in ann.provenance["notes"])
    last = load_ann(tmp_path / "agent.zip", channels_first=False)
    np.testing.assert_array_equal(last.forward(x.transpose(0, 2, 3, 1)), ann.forward(x))


def test_a_trained_agent(tmp_path: Path) -> None:
    agent = DQN("MlpPolicy", "CartPole-v1", buffer_size=1000, learning_starts=50, seed=0)
    agent.learn(200)
    check(agent, tmp_path, np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32))


@pytest.mark.parametrize("algorithm", [A2C, PPO])
def test_tanh_is_refused_by_name_and_taught(tmp_path: Path, algorithm: Any) -> None:
    agent = algorithm("MlpPolicy", "CartPole-v1", seed=0)
    path = tmp_path / "agent.zip"
    agent.save(path)
    with pytest.raises(UnsupportedLayerError, match=r"Tanh.*--distill"):
        load_ann(path)
    x = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    logits = torch.from_numpy(load_teacher(path).forward(x).copy())
    found = torch.log_softmax(logits, dim=-1).numpy()
    np.testing.assert_allclose(found, own_outputs(agent, x), rtol=1e-5, atol=1e-5)


class OwnExtractor(torch.nn.Module):
    """A features extractor that no importer knows."""

    features_dim = 6

    def __init__(self, observation_space: Any) -> None:
        super().__init__()
        self.own = torch.nn.Linear(4, 6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sin(self.own(x))


def test_what_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "agent.zip"
    own = {"features_extractor_class": OwnExtractor}
    DQN("MlpPolicy", "CartPole-v1", buffer_size=10, policy_kwargs=own).save(path)
    with pytest.raises(UnsupportedLayerError, match="OwnExtractor"):
        load_ann(path)
    PPO("MlpPolicy", "Pendulum-v1", policy_kwargs=RELU).save(path)
    with pytest.raises(UnsupportedLayerError, match="discrete"):
        load_ann(path)
    SAC("MlpPolicy", "Pendulum-v1", buffer_size=10).save(path)
    with pytest.raises(UnsupportedLayerError, match="discrete"):
        load_ann(path)
    elu = {"activation_fn": torch.nn.ELU}
    DQN("MlpPolicy", "CartPole-v1", buffer_size=10, policy_kwargs=elu).save(path)
    with pytest.raises(UnsupportedLayerError, match="ELU"):
        load_ann(path)


def test_zoo_dqn(shared_data: Path) -> None:
    path = shared_data / "zoo" / "dqn-CartPole-v1.zip"
    ann = load_ann(path)
    assert ann.env_id == "CartPole-v1"
    assert [layer.weight.shape for layer in ann.layers] == [(4, 256), (256, 256), (256, 2)]
    with zipfile.ZipFile(path) as archive, archive.open("policy.pth") as entry:
        tensors = torch.load(entry, weights_only=True)
    x = torch.randn(20, 4, generator=torch.Generator().manual_seed(0))
    value = x
    for index in (0, 2, 4):
        name = f"q_net.q_net.{index}"
        value = torch.nn.functional.linear(
            value, tensors[f"{name}.weight"], tensors[f"{name}.bias"]
        )
        value = value.relu() if index < 4 else value
    np.testing.assert_allclose(ann.forward(x.numpy()), value.numpy(), rtol=1e-5, atol=1e-4)


def test_zoo_ppo_plays_as_published(shared_data: Path) -> None:
    path = shared_data / "zoo" / "ppo-CartPole-v1.zip"
    with pytest.raises(UnsupportedLayerError, match=r"Tanh.*--distill"):
        load_ann(path)
    teacher = load_teacher(path)
    assert (teacher.input_shape, teacher.n_outputs, teacher.env_id) == ((4,), 2, "CartPole-v1")
    env = gymnasium.make("CartPole-v1")
    for seed in range(2):
        observation, _ = env.reset(seed=seed)
        steps, over = 0, False
        while not over:
            action = int(teacher.forward(observation)[0].argmax())
            observation, _, terminated, truncated, _ = env.step(action)
            steps, over = steps + 1, terminated or truncated
        assert steps == 500


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "agent.zip"
    DQN("MlpPolicy", "CartPole-v1", buffer_size=10, seed=0).save(path)
    return path


def rewritten(path: Path, **entries: bytes | None) -> Path:
    with zipfile.ZipFile(path) as archive:
        content: dict[str, bytes | None] = {n: archive.read(n) for n in archive.namelist()}
    content |= {name.replace("policy_pth", "policy.pth"): data for name, data in entries.items()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            if data is not None:
                archive.writestr(name, data)
    return path


@pytest.mark.parametrize(
    "entries",
    [
        {"data": None},
        {"policy_pth": None},
        {"data": b"not JSON"},
        {"data": b"[" * 100_000},
        {"data": b"[]"},
        {"policy_pth": b"nothing"},
        {"policy_pth": b""},
    ],
)
def test_damaged_entries(saved: Path, entries: dict[str, bytes | None]) -> None:
    with pytest.raises(ModelFileError) as caught:
        load_ann(rewritten(saved, **entries))
    assert "\n" not in str(caught.value)


def refused_or_read(path: Path) -> bool:
    """Whether the file can be read; a refusal is one sentence of the right kind."""
    try:
        return load_ann(path).n_outputs > 0
    except (ModelFileError, UnsupportedLayerError) as error:
        if "\n" in str(error):
            raise AssertionError(str(error)) from error
        return False


def test_truncated_and_flipped_archives(saved: Path) -> None:
    whole = saved.read_bytes()
    rng = np.random.default_rng(0)
    for end in rng.integers(0, len(whole) - 22, 20):
        saved.write_bytes(whole[:end])
        with pytest.raises(ModelFileError):
            load_ann(saved)
    for place in rng.integers(0, len(whole), 60):
        saved.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        refused_or_read(saved)


def test_data_is_read_as_text_only(saved: Path) -> None:
    """Odd but possible JSON in place of what is looked for leads to no other error."""
    with zipfile.ZipFile(saved) as archive:
        data = json.loads(archive.read("data"))
    outcomes = []
    for name in ("policy_kwargs", "observation_space", "action_space", "seed", "num_timesteps"):
        for odd in (None, 3, [1], "text", {":type:": 7}, {"_shape": "[99999999999999999999]"}):
            path = rewritten(saved, data=json.dumps({**data, name: odd}).encode())
            outcomes.append(refused_or_read(path))
    assert 0 < sum(outcomes) < len(outcomes)
