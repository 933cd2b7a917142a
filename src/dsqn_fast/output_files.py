"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from dsqn_fast.errors import OptionError, OutputPathError


def check_writable(path: str | Path) -> None:
    """Check early that a file can be written, before hours of work are done for it.

    Raises:
        OutputPathError: Its folder is missing or closed to writing, or a folder has its name.
    """
    target = Path(path)
    folder = target.parent
    try:
        if target.is_dir():
            raise OutputPathError(f"{str(path)!r} is a folder: give the name of a file in it")
        if not folder.is_dir():
            raise OutputPathError(f"{str(path)!r} cannot be written: there is no folder {folder}")
        # A file is replaced, which its folder must allow; a device is written to.
        whole = target.is_file() or not target.exists()
    except OSError as error:  # for instance a name that is too long
        if isinstance(error, OutputPathError):
            raise
        raise _cannot_write(path, error) from error
    if not os.access(target.resolve().parent if whole else target, os.W_OK):
        raise OutputPathError(f"{str(path)!r} cannot be written: permission denied")


def check_separate(
    outputs: Mapping[str, str | Path | None], inputs: Mapping[str, str | Path | None]
) -> None:
    """Check early that no file is written over one that is read, or over another output.

    Links are followed. Devices, and ``-`` for stdout, may be named several times.

    Args:
        outputs: Name of the option or argument -> its file; None where it is not given.
        inputs: Likewise, of the files that are read.

    Raises:
        OptionError: Two of them are one file.
    """
    written, read = _files(outputs), _files(inputs)
    for place, (name, path) in enumerate(written):
        for other, taken in [*read, *written[:place]]:
            if _same_file(path, taken):
                raise OptionError(
                    f"{name} {str(path)!r} would overwrite {other} {str(taken)!r}, which is the "
                    "same file: give another name"
                )


def _files(named: Mapping[str, str | Path | None]) -> list[tuple[str, Path]]:
    return [
        (name, Path(path))
        for name, path in named.items()
        if path is not None and str(path) != "-" and not _device(Path(path))
    ]


def _device(path: Path) -> bool:
    try:
        return path.exists() and not path.is_file()
    except OSError:  # for instance a name that is too long, which is refused elsewhere
        return True


def _same_file(one: Path, other: Path) -> bool:
    if one.exists() and other.exists():
        return one.samefile(other)
    return os.path.realpath(one) == os.path.realpath(other)


def write_whole(path: str | Path, data: bytes) -> None:
    """Write a file under another name beside it and rename it when it is complete.

    Devices and pipes are written to directly, and a link keeps pointing to its file.

    Raises:
        OutputPathError: It cannot be written; what was there before is still there.
    """
    check_writable(path)
    target = Path(os.path.realpath(path))
    if not target.exists() or target.is_file():
        with whole_file(path) as file:
            file.write(data)
        return
    try:
        target.write_bytes(data)
    except OSError as error:
        raise _cannot_write(path, error) from error


@contextmanager
def whole_file(path: str | Path) -> Iterator[BinaryIO]:
    """A file to write into piece by piece; it appears, or replaces another, at the end.

    Raises:
        OutputPathError: It cannot be written; what was there before is still there.
    """
    check_writable(path)
    target = Path(os.path.realpath(path))
    # The name may be as long as names can be: the other one does not contain it.
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            yield file
        part.replace(target)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        part.unlink(missing_ok=True)


def _cannot_write(path: str | Path, error: OSError) -> OutputPathError:
    return OutputPathError(f"{str(path)!r} cannot be written: {error.strerror}")
