"""Fixtures of deployment tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dsqn_fast.deploy import catalogue
from dsqn_fast.deploy.backend import SERVER
from dsqn_fast.deploy.interpreters import interpreter
from dsqn_fast.workers.worker import Worker, WorkerError


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
    """Skip where a target cannot run; fail if DSQN_FAST_REQUIRED_TARGETS names it."""
    kind = type(catalogue.make_target(target))
    served = [kind.__module__, kind.__name__, {}]
    try:
        with Worker(*SERVER, served, python=interpreter(target)) as worker:
            reason = worker.ask("hello")["missing"]
    except WorkerError as error:
        reason = str(error)
    if reason is None:
        return
    required = os.environ.get("DSQN_FAST_REQUIRED_TARGETS", "").split(",")
    (pytest.fail if target in required else pytest.skip)(f"{target}: {reason}")
