"""Writing a policy file."""

from __future__ import annotations

import contextlib
import os
import uuid
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import ModelError, OutputPathError
from dsqn_fast.model import WEIGHTS_DTYPES, SpikingModel, WeightsDtype
from dsqn_fast.model.checks import shown
from dsqn_fast.model.options import check_choice
from dsqn_fast.model_io.archive import HEADER_ENTRY, MAX_ENTRIES
from dsqn_fast.model_io.encode import encode_model
from dsqn_fast.model_io.header import write_header
from dsqn_fast.model_io.layout import MAX_UNPACKED_BYTES
from dsqn_fast.model_io.npy import MAX_PREAMBLE_BYTES, write_npy

_FIRST_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o100644 << 16


def save_policy(
    model: SpikingModel, path: str | Path, *, weights_dtype: WeightsDtype | None = None
) -> None:
    """Write ``model`` to exactly ``path``, complete or not at all.

    A temporary file in the same folder is written, flushed to the disk and renamed. The same
    model gives the same bytes; the date of creation belongs to its provenance.

    Args:
        model: The model, its source network included.
        path: The file, replaced where it exists; ``.npz`` is the usual ending.
        weights_dtype: ``float16`` halves the file: the weights of the layers and of the source
            are rounded; ``float32`` rounds float64 weights; ``int8`` rounds the source's weights
            to 8 bits and a power of two for every output, and leaves out spiking weights that are
            the source's scaled, bit for bit: loading makes them from the rounded ones; None
            stores them as they are.

    Raises:
        OutputPathError: The file cannot be written; an older one is still there.
        OptionError: ``weights_dtype`` is unknown.
        ModelError: It is no SpikingModel, a weight is too large for ``weights_dtype``, it has no
            source that int8 could round, or it is too large for the format.
    """
    if not isinstance(model, SpikingModel):
        raise ModelError(f"a SpikingModel is needed to save a policy, not {shown(model)}")
    if weights_dtype is not None:
        check_choice("weights_dtype", weights_dtype, WEIGHTS_DTYPES)
    header, arrays = encode_model(model, weights_dtype)
    data = np.frombuffer(write_header(header), dtype=np.uint8)
    entries = {HEADER_ENTRY: data, **arrays}
    n_bytes = sum(array.nbytes + MAX_PREAMBLE_BYTES for array in entries.values())
    if n_bytes > MAX_UNPACKED_BYTES or len(entries) > MAX_ENTRIES:
        raise ModelError(
            f"the model has {len(entries)} arrays of {n_bytes} bytes, more than the {MAX_ENTRIES} "
            f"of {MAX_UNPACKED_BYTES} bytes that a policy file may have"
        )
    _write_complete(path, entries)


def _write_complete(path: str | Path, entries: Mapping[str, NDArray[Any]]) -> None:
    try:
        target = _target(path)
        temporary = target.parent / f".{uuid.uuid4().hex}.tmp"
        try:
            _write_new(temporary, entries)
            temporary.replace(target)
        finally:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                temporary.unlink()
        _flush_folder(target.parent)
    except OutputPathError:
        raise
    except OSError as error:
        raise OutputPathError(
            f"{path}: cannot be written ({error.strerror}): choose a folder that exists, may be "
            "written to and has room"
        ) from None
    except ValueError as error:
        raise OutputPathError(f"{path!r}: is no path of a file ({error})") from None


def _target(path: str | Path) -> Path:
    """The file that ``path`` stands for, links followed; only a regular file is replaced."""
    if not isinstance(path, str | os.PathLike):
        raise OutputPathError(f"an output path must be text or a Path, not {shown(path)}")
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        kind = "a directory" if target.is_dir() else "not a regular file"
        raise OutputPathError(f"{path}: a file must be written, but this is {kind}")
    return target


def _write_new(path: Path, entries: Mapping[str, NDArray[Any]]) -> None:
    """Write a file that does not exist yet, with the permissions that new files have."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    with os.fdopen(descriptor, "wb") as stream:
        _write_archive(stream, entries)
        stream.flush()
        os.fsync(descriptor)


def _write_archive(stream: IO[bytes], entries: Mapping[str, NDArray[Any]]) -> None:
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name, array in entries.items():
            info = zipfile.ZipInfo(f"{name}.npy", _FIRST_ZIP_DATE)
            info.create_system = 3
            info.external_attr = _READABLE
            archive.writestr(info, write_npy(array))


def _flush_folder(folder: Path) -> None:
    """Make the renaming last through a power failure, where the file system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
