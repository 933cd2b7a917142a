"""Fixtures of deployment tests."""

from __future__ import annotations

import os
import subprocess
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


@pytest.fixture(scope="session")
def pynn_nest() -> None:
    """PyNN and NEST are there; tests skip without them."""
    needs("pynn-nest")


@pytest.fixture(scope="session")
def pynn_brian2() -> None:
    """PyNN and Brian 2 are there; tests skip without them."""
    needs("pynn-brian2")


def needs(target: str) -> None:
    """Skip where a target's packages are not installed."""
    module, name = catalogue.TARGETS[target].module, catalogue.TARGETS[target].name
    program = f"import {module} as m; print('missing:', m.{name}().missing())"
    command = [interpreter(target), "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, env=_with_package(), timeout=60)
    answer = (done.stdout.strip() or done.stderr.strip()).splitlines()[-1]  # after a greeting
    if answer != "missing: None":
        pytest.skip(f"{target}: {answer}")


def _with_package() -> dict[str, str]:
    home = str(Path(catalogue.__file__).resolve().parents[2])
    return {**os.environ, "PYTHONPATH": home, "OMP_NUM_THREADS": "1"}
