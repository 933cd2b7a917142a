"""Observations from files that nobody vouches for: sizes are checked before values are read."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from dsqn_fast.errors import ModelFileNotFoundError, ObservationError

MAX_BYTES = 2**32
"""Most bytes of observations that are read."""
ENTRY = "observations"
"""Name of the array in an .npz file."""


def load_observations(path: str | Path) -> NDArray[Any]:
    """Observations from a file, without executing anything in it.

    Args:
        path: ``.npy`` with (B, *shape), or ``.npz`` with an array ``observations``.

    Raises:
        ModelFileNotFoundError: There is no such file.
        ObservationError: It is not such a file, is damaged, or holds too much.
    """
    name = str(path)
    try:
        with Path(path).open("rb") as stream:
            packed = stream.read(2) == b"PK"
            stream.seek(0)
            if packed:
                return _from_archive(name, stream)
            return _read(name, stream, Path(path).stat().st_size)
    except ObservationError:
        raise
    except FileNotFoundError as error:
        raise ModelFileNotFoundError(f"there is no file {name!r} with observations") from error
    except MemoryError as error:
        raise ObservationError(
            f"{name!r} holds more observations than there is memory for: give fewer"
        ) from error
    except Exception as error:  # a damaged file fails in zipfile, zlib, struct, ast or NumPy
        raise ObservationError(
            f"{name!r} is not a .npy or .npz file of observations: save them with numpy.save"
        ) from error


def _from_archive(name: str, stream: IO[bytes]) -> NDArray[Any]:
    with zipfile.ZipFile(stream) as archive:
        entries = {one.filename.removesuffix(".npy"): one for one in archive.infolist()}
        if ENTRY not in entries:
            found = ", ".join(list(entries)[:5]) or "nothing"
            raise ObservationError(f"{name!r} must hold an array {ENTRY!r}, but holds {found}")
        entry = entries[ENTRY]
        with archive.open(entry) as inner:
            return _read(name, inner, entry.file_size)


def _read(name: str, stream: IO[bytes], n_bytes: int) -> NDArray[Any]:
    """The array in a stream of so many bytes, if it is what it says it is."""
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"version {version}")
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read_header(stream)
    if dtype.hasobject:
        raise ValueError("Python objects")
    size = math.prod(shape) * dtype.itemsize
    if size > MAX_BYTES:
        raise ObservationError(
            f"{name!r} says that it holds {size} bytes of observations, more than the "
            f"{MAX_BYTES} that are read: give fewer"
        )
    if size > n_bytes:
        raise ValueError(f"{size} bytes said, {n_bytes} there")
    data = stream.read(size)
    if len(data) != size or stream.read(1):
        raise ValueError(f"{len(data)} bytes found, {size} said")
    values = np.frombuffer(data, dtype=dtype)
    return values.reshape(shape, order="F" if fortran else "C")
