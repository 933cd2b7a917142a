"""Whether a file is a policy, told without reading it as one."""

from __future__ import annotations

import zipfile
from pathlib import Path


def is_policy_file(path: str | Path) -> bool:
    """Whether a file has the header that policy files have and other .npz files lack."""
    try:
        with zipfile.ZipFile(path) as archive:
            return bool({"header", "header.npy"}.intersection(archive.namelist()))
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return False
