"""Fixtures of deployment tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dsqn_fast.deploy import catalogue


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Makes a class of `broken_targets` known as a target; returns the target's name."""

    def known(kind: str) -> str:
        entry = catalogue.Entry("broken_targets", kind, "a target that goes wrong")
        monkeypatch.setitem(catalogue.TARGETS, "broken", entry)
        folders = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(folders))
        monkeypatch.syspath_prepend(folders[0])
        return "broken"

    return known
