"""Policy files taken apart and put together again, whole or wrong, for the tests."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Entries = dict[str, bytes]


def read_entries(data: bytes) -> Entries:
    """The entries of a policy file by their full name."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(
    entries: Mapping[str, bytes] | Sequence[tuple[str, bytes]],
    compression: int = zipfile.ZIP_STORED,
) -> bytes:
    """A zip archive of these entries; a sequence may name one twice."""
    pairs = list(entries.items()) if isinstance(entries, Mapping) else entries
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in pairs:
            archive.writestr(zipfile.ZipInfo(name), data, compression)
    return stream.getvalue()


def npy(array: Any, *, allow_pickle: bool = False) -> bytes:
    """An array as NumPy saves it."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=allow_pickle)
    return stream.getvalue()


def from_npy(data: bytes) -> np.ndarray:
    """The array that NumPy reads from these bytes."""
    return np.load(io.BytesIO(data), allow_pickle=False)


def read_header_json(entries: Entries) -> dict[str, Any]:
    """The header of these entries."""
    value: dict[str, Any] = json.loads(from_npy(entries["header.npy"]).tobytes())
    return value


def with_header(entries: Entries, header: Any) -> Entries:
    """The entries with another header: JSON text, or a value to be written as JSON."""
    text = header if isinstance(header, str) else json.dumps(header)
    data = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    return {**entries, "header.npy": npy(data)}
