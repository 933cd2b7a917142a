"""The README tells the truth: its example runs, its commands and files exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dsqn_fast.cli.commands import COMMANDS

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


def test_ci_runs_its_two_commands() -> None:
    ci = (PROJECT / ".ci" / "run").read_text(encoding="utf-8")
    commands = [line for line in "\n".join(_blocks("sh")).splitlines() if "pip install" in line]
    assert len(commands) == 2
    assert [command for command in commands if command not in ci] == []
