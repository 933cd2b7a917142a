"""Test modules run in processes of their own: a process uses one instruction set only."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import dsqn_fast

HERE = Path(__file__).resolve().parent


def environment(**variables: str) -> dict[str, str]:
    """This process's environment, in which the tests and the package can be imported."""
    package = Path(dsqn_fast.__file__).resolve().parents[1]
    path = os.pathsep.join(map(str, (HERE, package)))
    kept = {k: v for k, v in os.environ.items() if k != "DSQN_FORCE_ISA"}
    return kept | {"PYTHONPATH": path} | variables


def start(*arguments: str, **variables: str) -> subprocess.Popen[str]:
    """A Python process with these arguments and environment variables."""
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, *arguments], env=environment(**variables), **pipes)


def output_of(*arguments: str, **variables: str) -> str:
    """What a Python process prints; fails with its errors if it fails."""
    with start(*arguments, **variables) as process:
        out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return out
