"""The arrays that an exported script reads from a file beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from dsqn_fast.errors import OptionError
from dsqn_fast.model_io import is_policy_file
from dsqn_fast.output_files import check_writable

ENDING: Final = ".npz"


def arrays_beside(script: Path) -> Path:
    """The file of arrays that belongs to ``script``: the same name with another ending.

    Raises:
        OptionError: A policy has that name, which would be lost.
        OutputPathError: The file cannot be written.
    """
    path = script.with_suffix(ENDING)
    if is_policy_file(path):
        raise OptionError(
            f"{script.name!r} takes its arrays along as {path.name!r}, which is a policy: give "
            "the script another name"
        )
    check_writable(path)
    return path
