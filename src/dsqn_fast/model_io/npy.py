"""One array as the bytes of its entry: version 1.0 of NumPy's .npy format.

The text in front of the values is matched, not evaluated: a file that NumPy, or another
writer of the common form, made passes, and nothing in it can be more than a shape and a type.
"""

from __future__ import annotations

import io
import math
import re
import struct
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import ModelFileError
from dsqn_fast.model.checks import shown

MAX_PREAMBLE_BYTES: Final = 1024
"""Most bytes in front of an array's values; NumPy writes 128."""

MAGIC: Final = b"\x93NUMPY\x01\x00"
_DESCRIPTION: Final = re.compile(
    rb"\{'descr': '([^']{1,32})', 'fortran_order': (True|False), "
    rb"'shape': \(((?:\d{1,19}, ?)*(?:\d{1,19},?)?)\),? ?\} *\n"
)
_DTYPES: Final[dict[bytes, np.dtype[Any]]] = {
    b"|u1": np.dtype(np.uint8),
    b"|i1": np.dtype(np.int8),
    b"<f2": np.dtype("<f2"),
    b"<f4": np.dtype("<f4"),
    b"<f8": np.dtype("<f8"),
}


def write_npy(array: NDArray[Any]) -> bytes:
    """Return ``array`` as .npy bytes: little-endian, C order."""
    stream = io.BytesIO()
    little = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
    np.lib.format.write_array(stream, little, version=(1, 0), allow_pickle=False)
    return stream.getvalue()


def read_npy(name: str, stream: IO[bytes], shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    """Return the array in ``stream``, of native byte order; its values are read only if it fits.

    Args:
        name: What the array is called in messages.
        stream: Its entry, from the beginning.
        shape: The shape that it must have.
        dtype: The type that it must have, such as ``float32``.

    Raises:
        ModelFileError: It is no array of that shape and type, or its values end too early.
    """
    order, found_shape, found_dtype = _read_preamble(name, stream)
    if found_dtype != np.dtype(dtype).newbyteorder("<"):
        raise ModelFileError(f"{name} must be {dtype}, not {found_dtype}")
    if found_shape != shape:
        raise ModelFileError(f"{name} must have shape {shape}, not {shown(found_shape)}")
    data = _read_values(name, stream, math.prod(shape) * found_dtype.itemsize)
    values = np.frombuffer(data, dtype=found_dtype).reshape(shape, order=order)
    return np.array(values, dtype=np.dtype(dtype), order="C")


def read_bytes(name: str, stream: IO[bytes], most: int) -> bytes:
    """Return the bytes of a uint8 vector of any length up to ``most``.

    Args:
        name: What the vector is called in messages.
        stream: Its entry, from the beginning.
        most: Largest length.

    Raises:
        ModelFileError: It is no such vector, or ends too early.
    """
    _, shape, dtype = _read_preamble(name, stream)
    if dtype != np.uint8 or len(shape) != 1:
        raise ModelFileError(f"{name} must be a vector of uint8, not {dtype} of {shown(shape)}")
    if shape[0] > most:
        raise ModelFileError(f"{name} has {shape[0]} bytes, more than the {most} allowed")
    return _read_values(name, stream, shape[0])


def _read_values(name: str, stream: IO[bytes], n_bytes: int) -> bytes:
    data = stream.read(n_bytes)
    # Reading on, to the end, also makes zipfile compare the checksum.
    if len(data) != n_bytes or stream.read(1):
        raise ModelFileError(f"{name} must have exactly {n_bytes} bytes of values")
    return data


def _read_preamble(name: str, stream: IO[bytes]) -> tuple[Any, tuple[int, ...], np.dtype[Any]]:
    start = stream.read(len(MAGIC) + 2)
    if len(start) != len(MAGIC) + 2 or not start.startswith(MAGIC):
        raise ModelFileError(f"{name} is no array of .npy version 1.0, but begins {start[:8]!r}")
    (length,) = struct.unpack("<H", start[len(MAGIC) :])
    if length > MAX_PREAMBLE_BYTES:
        raise ModelFileError(f"{name} is described in {length} bytes, not {MAX_PREAMBLE_BYTES}")
    description = stream.read(length)
    match = _DESCRIPTION.fullmatch(description)
    if match is None:
        raise ModelFileError(f"{name} is no plain array, but {shown(description)}")
    kind, fortran, sizes = match.groups()
    if kind not in _DTYPES:
        raise ModelFileError(f"{name} has values of type {shown(kind.decode('latin-1'))}")
    shape = tuple(int(size) for size in sizes.replace(b" ", b"").split(b",") if size)
    return ("F" if fortran == b"True" else "C"), shape, _DTYPES[kind]
