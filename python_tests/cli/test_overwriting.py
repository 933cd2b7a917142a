"""No command writes over what it reads, or over its other output."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from command_calls import refused


@pytest.mark.parametrize(
    "words",
    [
        ("run", "POLICY", "--json", "POLICY"),
        ("evaluate", "POLICY", "--json", "POLICY"),
        ("info", "POLICY", "--json", "POLICY"),
        ("convert", "POLICY", "-o", "POLICY"),
        ("convert", "POLICY", "-o", "LINK"),
        ("convert", "POLICY", "-o", "new.npz", "--json", "new.npz"),
        ("convert", "POLICY", "-o", "new.png", "--plot", "new.png"),
        ("diagnose", "POLICY", "--json", "POLICY"),
        ("diagnose", "POLICY", "--plot", "new.png", "--json", "new.png"),
        ("export", "pynn", "POLICY", "-o", "POLICY"),
        ("verify", "POLICY", "--target", "nest", "--json", "POLICY"),
        ("run", "POLICY", "--record", "POLICY"),
        ("bench", "--plot", "new.png", "--json", "new.png"),
    ],
    ids=lambda words: " ".join(words),
)
def test_it_is_refused_before_anything_is_done(
    words: tuple[str, ...], shipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy, link = tmp_path / "policy.npz", tmp_path / "link.npz"
    shutil.copy(shipped, policy)
    link.symlink_to(policy)
    before = policy.read_bytes()
    files = {"POLICY": policy, "LINK": link}
    error = refused(
        capsys,
        *(files.get(word, tmp_path / word if word.startswith("new") else word) for word in words),
    )
    assert "would overwrite" in error
    assert policy.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"policy.npz", "link.npz"}
