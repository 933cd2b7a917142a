"""The arrays that an exported script reads from a file beside it."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

from dsqn_fast.errors import OptionError
from dsqn_fast.output_files import check_writable

ENDING: Final = ".npz"


def arrays_beside(script: Path) -> Path:
    """The file of arrays that belongs to ``script``: the same name with another ending.

    Raises:
        OptionError: A policy has that name, which would be lost.
        OutputPathError: The file cannot be written.
    """
    path = script.with_suffix(ENDING)
    if _is_policy(path):
        raise OptionError(
            f"{script.name!r} takes its arrays along as {path.name!r}, which is a policy: give "
            "the script another name"
        )
    check_writable(path)
    return path


def _is_policy(path: Path) -> bool:
    """Whether a file has the header that policy files have."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "header.npy" in archive.namelist()
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return False
