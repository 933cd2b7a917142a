"""The zip container of a policy file, read without trust.

Sizes are compared with limits and with what the header promises before anything is unpacked.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import IO, Any, Final

from numpy.typing import NDArray

from dsqn_fast.errors import ModelFileError
from dsqn_fast.model.checks import shown
from dsqn_fast.model_io.layout import (
    FREE_UNPACKED_BYTES,
    MAX_EXPANSION,
    MAX_HEADER_BYTES,
    MAX_UNPACKED_BYTES,
    ArraySpec,
)
from dsqn_fast.model_io.npy import MAX_PREAMBLE_BYTES, read_bytes, read_npy

MAX_ENTRIES: Final = 10_000
"""Most entries: more arrays than any network that fits the other limits needs."""
MAX_DIRECTORY_BYTES: Final = 2**21
"""Largest table of entries."""

HEADER_ENTRY: Final = "header"
_SUFFIX: Final = ".npy"
_ENCRYPTED: Final = 0x1
_END: Final = struct.Struct("<4s4H2LH")
_LOCATOR_BYTES: Final = 20
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    LookupError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
)


class PolicyArchive:
    """The entries of an open policy file; a context manager.

    Args:
        stream: The file, seekable.
        n_bytes: Its size.

    Raises:
        ModelFileError: It is no zip archive that a policy file may be.
    """

    def __init__(self, stream: IO[bytes], n_bytes: int) -> None:
        _check_end(stream, n_bytes)
        with _damage("it is a damaged .npz archive"):
            self._zip = zipfile.ZipFile(stream)
        try:
            self._entries = _check_entries(self._zip.infolist())
            _check_sizes(self._entries, n_bytes)
        except ModelFileError:
            self._zip.close()
            raise

    def __enter__(self) -> PolicyArchive:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.close()

    def header_bytes(self) -> bytes:
        """The bytes of the entry ``header``.

        Raises:
            ModelFileError: There is none, or it is too large or no vector of bytes.
        """
        if HEADER_ENTRY not in self._entries:
            found = ", ".join(shown(name) for name in list(self._entries)[:4]) or "nothing"
            raise ModelFileError(
                f"it has no entry 'header', only {found}: policy files are made by "
                "`dsqn-fast convert`"
            )
        n_bytes = self._entries[HEADER_ENTRY].file_size
        if n_bytes > MAX_HEADER_BYTES + MAX_PREAMBLE_BYTES:
            raise ModelFileError(
                f"its header has {n_bytes} bytes, more than the {MAX_HEADER_BYTES} allowed"
            )
        with self._open(HEADER_ENTRY) as stream:
            return read_bytes("its header", stream, MAX_HEADER_BYTES)

    def check_names(self, specs: Mapping[str, ArraySpec]) -> None:
        """Check that the entries are the header and these arrays, each of a fitting size.

        Raises:
            ModelFileError: Arrays are missing (all are listed), are too many, or have another
                size than the header promises.
        """
        if missing := [name for name in specs if name not in self._entries]:
            raise ModelFileError(f"it lacks the arrays {', '.join(missing)}")
        extra = [name for name in self._entries if name not in specs and name != HEADER_ENTRY]
        if extra:
            raise ModelFileError(
                f"it has entries that its header does not name: {', '.join(map(shown, extra))}"
            )
        for name, spec in specs.items():
            found = self._entries[name].file_size
            if not 0 < found - spec.n_bytes <= MAX_PREAMBLE_BYTES:
                raise ModelFileError(
                    f"{name} has {found} bytes, but shape {spec.shape} of {spec.dtype} needs "
                    f"{spec.n_bytes} and up to {MAX_PREAMBLE_BYTES} in front"
                )

    def read(self, name: str, spec: ArraySpec) -> NDArray[Any]:
        """The array ``name``, in native byte order.

        Raises:
            ModelFileError: It is damaged or not as ``spec`` promises.
        """
        with self._open(name) as stream:
            return read_npy(name, stream, spec.shape, spec.dtype)

    @contextmanager
    def _open(self, name: str) -> Iterator[IO[bytes]]:
        with (
            _damage(f"its entry {name!r} is damaged"),
            self._zip.open(self._entries[name]) as entry,
        ):
            yield entry


@contextmanager
def _damage(what: str) -> Iterator[None]:
    """Turn whatever a damaged archive makes zipfile and zlib raise into one sentence."""
    try:
        yield
    except ModelFileError:
        raise
    except _DAMAGE as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise ModelFileError(f"{what}: {reason}") from None


def _check_end(stream: IO[bytes], n_bytes: int) -> None:
    """Check the record that ends every plain archive, which says how long its table is.

    zipfile would read a table of any length, and rebuild the archive around a comment.
    """
    if n_bytes > 2 * MAX_UNPACKED_BYTES:
        raise ModelFileError(f"it has {n_bytes} bytes, more than {2 * MAX_UNPACKED_BYTES}")
    stream.seek(0)
    if stream.read(2) != b"PK":
        raise ModelFileError("it is no .npz archive")
    stream.seek(max(0, n_bytes - _END.size - _LOCATOR_BYTES))
    tail = stream.read(_END.size + _LOCATOR_BYTES)
    end = tail[-_END.size :]
    if len(end) != _END.size or not end.startswith(b"PK\x05\x06"):
        raise ModelFileError("it is cut off, or has bytes after the end of its .npz archive")
    *_, n_entries, n_table, _, n_comment = _END.unpack(end)
    if n_comment or tail.startswith(b"PK\x06\x07"):
        raise ModelFileError("it is a zip64 or commented archive, which no policy file is")
    if n_entries > MAX_ENTRIES or n_table > MAX_DIRECTORY_BYTES:
        raise ModelFileError(
            f"it has {n_entries} entries listed in {n_table} bytes, more than the {MAX_ENTRIES} "
            f"in {MAX_DIRECTORY_BYTES} allowed"
        )


def _check_entries(infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Return the entries by array name."""
    entries: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = info.filename
        if name != info.orig_filename or not name.endswith(_SUFFIX) or "/" in name:
            raise ModelFileError(
                f"its entry {shown(info.orig_filename)} must be an array NAME.npy in no folder: "
                "policy files are made by `dsqn-fast convert`"
            )
        if info.flag_bits & _ENCRYPTED:
            raise ModelFileError(f"its entry {shown(name)} is encrypted: save it unencrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ModelFileError(
                f"its entry {shown(name)} is compressed by method {info.compress_type}: "
                "use stored (0) or deflated (8)"
            )
        array = name.removesuffix(_SUFFIX)
        if array in entries:
            raise ModelFileError(f"it has the entry {shown(name)} twice")
        entries[array] = info
    return entries


def _check_sizes(entries: Mapping[str, zipfile.ZipInfo], n_bytes: int) -> None:
    unpacked = sum(info.file_size for info in entries.values())
    most = min(MAX_UNPACKED_BYTES, max(FREE_UNPACKED_BYTES, MAX_EXPANSION * n_bytes))
    if unpacked > most:
        raise ModelFileError(
            f"it unpacks {n_bytes} bytes to {unpacked}, more than the {most} allowed"
        )
