"""The README tells the truth: its example runs, its commands and files exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dsqn_fast.cli.commands import COMMANDS
from dsqn_fast.cli.main import main
from dsqn_fast.model_io import load_policy

PROJECT = Path(__file__).resolve().parents[1]
TEXT = (PROJECT / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def test_example_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = _blocks("python")
    monkeypatch.chdir(PROJECT)
    exec(compile(example, "README.md", "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out


def test_links_lead_to_files() -> None:
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", TEXT) if "://" not in target]
    assert targets
    assert [target for target in targets if not (PROJECT / target).exists()] == []


def test_commands_exist() -> None:
    used = set(re.findall(r"\bdsqn-fast ([a-z]+)", "\n".join(_blocks("sh"))))
    assert "run" in used
    assert used <= set(COMMANDS)


@pytest.mark.slow
def test_a_model_of_another_library_is_converted_and_diagnosed_as_it_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sb3 = pytest.importorskip("stable_baselines3")
    import torch

    layers = {"net_arch": [16], "activation_fn": torch.nn.ReLU}
    agent = sb3.DQN("MlpPolicy", "CartPole-v1", policy_kwargs=layers, buffer_size=10, seed=0)
    agent.save(tmp_path / "model.zip")
    agent.env.close()
    monkeypatch.chdir(tmp_path)
    lines = [line for line in "\n".join(_blocks("sh")).splitlines() if " model.zip " in line]
    assert [line.split()[:2] for line in lines] == [
        ["dsqn-fast", "convert"],
        ["dsqn-fast", "diagnose"],
    ]
    for line in lines:
        assert main(line.split()[1:]) == 0
        assert "advice" in capsys.readouterr().out
    assert load_policy(tmp_path / "policy.npz").env_id == "CartPole-v1"


def test_ci_runs_its_two_commands() -> None:
    ci = (PROJECT / ".ci" / "run").read_text(encoding="utf-8")
    commands = [line for line in "\n".join(_blocks("sh")).splitlines() if "pip install" in line]
    assert len(commands) == 2
    assert [command for command in commands if command not in ci] == []
