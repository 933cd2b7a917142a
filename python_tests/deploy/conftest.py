"""Fixtures of deployment tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dsqn_fast.deploy import catalogue
from dsqn_fast.deploy.interpreters import interpreter


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


@pytest.fixture(scope="session")
def nest() -> None:
    """NEST is there, in this environment or in one of its own; tests skip without it."""
    needs("nest")


def needs(target: str) -> None:
    """Skip where a target's packages are not installed."""
    kind = catalogue.make_target(target)
    if interpreter(target) == sys.executable and kind.supported is not None:
        reason = kind.supported.problem()
        if reason is not None:
            pytest.skip(reason)
