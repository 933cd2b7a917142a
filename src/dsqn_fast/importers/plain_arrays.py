"""Arrays of an .npz file that nobody vouches for."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import ModelFileError, ModelFileNotFoundError

MAX_BYTES = 2**31
"""Most bytes that a source file may hold, unpacked."""


def existing_file(path: Path) -> Path:
    """Return ``path`` if it is a file.

    Raises:
        ModelFileNotFoundError: It is not.
    """
    try:
        folder, file = path.is_dir(), path.is_file()
    except OSError as error:  # for instance a name that is too long
        raise ModelFileNotFoundError(f"{path} cannot be opened: {error.strerror}") from error
    if folder:
        raise ModelFileNotFoundError(f"{path} is a folder, not a file: give the file inside it")
    if not file:
        raise ModelFileNotFoundError(f"{path} does not exist: check the path")
    return path


def unpacked_size(archive: zipfile.ZipFile) -> int:
    """Bytes that an archive says it holds, unpacked."""
    return sum(entry.file_size for entry in archive.infolist())


def entry_names(path: Path) -> set[str]:
    """Names of the arrays in an .npz file, without reading them.

    Raises:
        ModelFileError: The file is missing, not an .npz file, or too large unpacked.
    """
    existing_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            size = unpacked_size(archive)
            names = {entry.removesuffix(".npy") for entry in archive.namelist()}
    except Exception as error:  # zipfile fails in many ways on damaged files
        raise ModelFileError(
            f"{path} is not an .npz file ({error}): save it with numpy.savez"
        ) from None
    if size > MAX_BYTES:
        raise ModelFileError(f"{path} holds {size} bytes unpacked, more than {MAX_BYTES}")
    return names


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of an .npz file; nothing pickled is read.

    Raises:
        ModelFileError: The file is missing, damaged, too large, or holds Python objects.
    """
    entry_names(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: np.asarray(archive[name]) for name in archive.files}
    except Exception as error:  # a damaged archive fails in zipfile, zlib, ast or NumPy
        reason = " ".join(str(error).split())[:200]
        raise ModelFileError(
            f"{path} cannot be read as plain arrays ({reason}): save it with numpy.savez"
        ) from None
    odd = [name for name, array in arrays.items() if array.dtype.kind not in "biufSU"]
    if odd:
        raise ModelFileError(
            f"{path} has an array {odd[0]!r} of {arrays[odd[0]].dtype}: only numbers are read"
        )
    return arrays
