"""What a run was made with: versions of libraries and the state of the source tree."""

from __future__ import annotations

import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from dsqn_fast.version import package_version

LIBRARIES: Final = ("numpy", "torch", "stable-baselines3", "gymnasium", "tensorboard")


def versions() -> dict[str, str]:
    """Versions of Python, of this package and of the libraries that training rests on."""
    found = {"python": platform.python_version(), "dsqn-fast": package_version()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def git_state() -> dict[str, Any] | None:
    """Commit of the source tree that this package runs from, and whether files differ from it.

    None where it does not run from a git checkout.
    """
    folder = Path(__file__).parent
    commit = _git(folder, "rev-parse", "HEAD")
    # An installed package may lie inside some other project's checkout.
    if commit is None or not _git(folder, "ls-files", "--", Path(__file__).name):
        return None
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", ".")
    return {"commit": commit, "changed": bool(changed)}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
