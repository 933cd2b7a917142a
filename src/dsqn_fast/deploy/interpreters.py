"""Which Python runs a target: its own environment where there is one, else this one."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from dsqn_fast.errors import OptionError

FOLDER_VARIABLE: Final = "DSQN_FAST_TARGETS"
"""Environment variable that names another folder of environments."""


def targets_folder() -> Path:
    """Folder in which ``NAME/bin/python`` runs the target NAME."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen) if chosen else Path.home() / ".cache" / "dsqn-fast" / "targets"


def interpreter(target: str, chosen: str | None = None) -> str:
    """Path of the Python that runs ``target``.

    Args:
        target: Its name.
        chosen: The interpreter that the user asked for.

    Raises:
        OptionError: The interpreter that was asked for does not exist.
    """
    if chosen is not None:
        if not os.access(chosen, os.X_OK) or not Path(chosen).is_file():
            raise OptionError(f"{chosen!r} is no program: give the path of a Python")
        return str(chosen)
    own = targets_folder() / target / "bin" / "python"
    return str(own) if own.is_file() else sys.executable
