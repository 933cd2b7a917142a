"""Exported scripts and the file of arrays beside them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from command_calls import call, refused

import dsqn_fast as df
from dsqn_fast.errors import OptionError

POLICY = Path(__file__).parents[2] / "policies" / "cartpole-dqn.npz"
EXPORTERS = (("pynn", ()), ("spinnaker", ("--option", "build=no")))


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    return Path(shutil.copy(POLICY, tmp_path / "policy.npz"))


@pytest.mark.parametrize(("target", "words"), EXPORTERS)
def test_the_policy_is_not_replaced_by_the_arrays(
    target: str, words: tuple[str, ...], policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script, before = policy.with_suffix(".py"), policy.read_bytes()
    error = refused(capsys, "export", target, policy, "-o", script, *words)
    assert "its arrays" in error
    assert "policy.npz" in error
    other = Path(shutil.copy(policy, policy.with_name("other.npz")))
    assert "which is a policy" in refused(
        capsys, "export", target, policy, "-o", other.with_suffix(".py"), *words
    )
    with pytest.raises(OptionError, match="which is a policy"):
        df.export_policy(df.load_policy(policy), target, script, options=_options(words))
    assert policy.read_bytes() == before == other.read_bytes()
    assert not script.exists()


@pytest.mark.parametrize(("target", "words"), EXPORTERS)
def test_the_arrays_may_be_written_again_but_not_by_json(
    target: str, words: tuple[str, ...], policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = policy.with_name("script.py")
    clash = ["--json", script.with_suffix(".npz")]
    assert "its arrays" in refused(capsys, "export", target, policy, "-o", script, *words, *clash)
    assert not script.exists()
    for _ in range(2):
        call(capsys, "export", target, policy, "-o", script, *words)
    assert script.with_suffix(".npz").exists()


def test_early_exits_are_refused_on_a_target(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", POLICY, "--backend", "reference", "--early-exit", 1]
    assert "--backend reference runs all steps" in refused(capsys, *words)


def _options(words: tuple[str, ...]) -> dict[str, str]:
    return dict(word.split("=") for word in words if "=" in word)
