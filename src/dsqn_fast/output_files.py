"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from dsqn_fast.errors import OutputPathError


def check_writable(path: str | Path) -> None:
    """Check early that a file can be written, before hours of work are done for it.

    Raises:
        OutputPathError: Its folder is missing or closed to writing, or a folder has its name.
    """
    target = Path(path)
    folder = target.parent
    if target.is_dir():
        raise OutputPathError(f"{str(path)!r} is a folder: give the name of a file in it")
    if not folder.is_dir():
        raise OutputPathError(f"{str(path)!r} cannot be written: there is no folder {folder}")
    if not os.access(target if target.exists() else folder, os.W_OK):
        raise OutputPathError(f"{str(path)!r} cannot be written: permission denied")


def write_whole(path: str | Path, data: bytes) -> None:
    """Write a file under another name beside it and rename it when it is complete.

    Devices and pipes are written to directly, and a link keeps pointing to its file.

    Raises:
        OutputPathError: It cannot be written; what was there before is still there.
    """
    check_writable(path)
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        target.write_bytes(data)
        return
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            file.write(data)
        part.replace(target)
    except OSError as error:
        raise OutputPathError(f"{str(path)!r} cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
