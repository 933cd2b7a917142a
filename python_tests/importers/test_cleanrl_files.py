"""CleanRL files: the networks of its scripts, saved as it saves them."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from dsqn_fast.errors import UnsupportedLayerError
from dsqn_fast.importers import load_ann, load_teacher


def dense(*sizes: int, activation: type[nn.Module]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n_in, n_out in itertools.pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), activation()]
    return nn.Sequential(*layers[:-1])


def nature(*end: nn.Module) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(4, 32, 8, 4), nn.ReLU(), nn.Conv2d(32, 64, 4, 2), nn.ReLU(),
        nn.Conv2d(64, 64, 3, 1), nn.ReLU(), nn.Flatten(), nn.Linear(3136, 512), nn.ReLU(), *end,
    )  # fmt: skip


class Agent(nn.Module):
    """Parts by name."""

    def __init__(self, **parts: nn.Module) -> None:
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)


def save(agent: nn.Module, folder: Path, run: str = "run") -> Path:
    torch.manual_seed(0)
    (folder / run).mkdir(exist_ok=True)
    path = folder / run / "script.cleanrl_model"
    torch.save(agent.state_dict(), path)
    return path


def test_dqn(tmp_path: Path) -> None:
    torch.manual_seed(0)
    agent = Agent(network=dense(4, 120, 84, 2, activation=nn.ReLU))
    ann = load_ann(save(agent, tmp_path, "CartPole-v1__dqn__1__1700000000"))
    x = torch.randn(5, 4)
    np.testing.assert_allclose(
        ann.forward(x.numpy()), agent.network(x).detach().numpy(), rtol=1e-5, atol=1e-6
    )
    assert ann.env_id == "CartPole-v1"


@pytest.mark.parametrize("shared", [False, True])
def test_images_are_divided_by_255(tmp_path: Path, shared: bool) -> None:
    torch.manual_seed(0)
    head = nn.Linear(512, 6)
    agent = (
        Agent(network=nature(), actor=head, critic=nn.Linear(512, 1))
        if shared
        else Agent(network=nature(head))
    )
    x = np.random.default_rng(0).integers(0, 256, (2, 4, 84, 84), dtype=np.uint8)
    with torch.no_grad():
        wanted = agent.network(torch.from_numpy(x) / 255)
        wanted = head(wanted) if shared else wanted
    ann = load_ann(save(agent, tmp_path))
    np.testing.assert_allclose(ann.forward(x), wanted.numpy(), rtol=1e-4, atol=1e-5)
    assert any("x / 255 was folded" in note for note in ann.provenance["notes"])


def test_tanh_actor_of_ppo(tmp_path: Path) -> None:
    torch.manual_seed(0)
    agent = Agent(
        critic=dense(4, 64, 64, 1, activation=nn.Tanh),
        actor=dense(4, 64, 64, 2, activation=nn.Tanh),
    )
    path = save(agent, tmp_path)
    with pytest.raises(UnsupportedLayerError, match=r"Tanh.*--distill"):
        load_ann(path)
    x = torch.randn(5, 4)
    wanted = agent.actor(x).detach().numpy()
    found = load_teacher(path).forward(x.numpy())
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    assert load_ann(path, activation="ReLU").n_outputs == 2


def test_arguments_beside_the_weights(tmp_path: Path) -> None:
    path = tmp_path / "script.cleanrl_model"
    agent = Agent(network=dense(4, 8, 2, activation=nn.ReLU))
    content = {"model_weights": agent.state_dict(), "args": {"env_id": "Acrobot-v1", "seed": 1}}
    torch.save(content, path)
    assert load_ann(path).env_id == "Acrobot-v1"


def test_distributions_are_refused(tmp_path: Path) -> None:
    agent = Agent(network=dense(4, 8, 202, activation=nn.ReLU))
    agent.register_buffer("atoms", torch.linspace(-100, 100, 101))
    with pytest.raises(UnsupportedLayerError, match=r"atoms.*C51"):
        load_ann(save(agent, tmp_path))
