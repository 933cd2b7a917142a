"""Reading a policy file."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO

from dsqn_fast.errors import ModelFileError, ModelFileNotFoundError
from dsqn_fast.model import SpikingModel
from dsqn_fast.model.checks import shown
from dsqn_fast.model_io.archive import PolicyArchive
from dsqn_fast.model_io.decode import HeaderPlan
from dsqn_fast.model_io.header import read_header
from dsqn_fast.model_io.layout import VERSION
from dsqn_fast.model_io.plan import array_specs
from dsqn_fast.model_io.values import as_loaded, check_loaded_size


def load_policy(path: str | Path) -> SpikingModel:
    """Read a policy file, which need not be trusted: nothing in it is executed.

    Weights stored as float16 or int8 come back as float32; spiking weights that are not stored
    are made from those of the source, to the bits that they had.

    Args:
        path: A file that `save_policy` wrote.

    Returns:
        The model, equal to the one that was saved, where that was not to round weights.

    Raises:
        ModelFileNotFoundError: There is no such file, or it cannot be opened.
        ModelFileError: It is not a policy file of a known version, is damaged, or does not
            describe a model; the sentence names the file, what was found and what was wanted.
    """
    if not isinstance(path, str | os.PathLike):
        raise ModelFileError(f"a policy file's path must be text or a Path, not {shown(path)}")
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116  (bytes-like paths are fine as well)
        if not stat.S_ISREG(mode):
            kind = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
            raise ModelFileError(f"{path}: a policy file is needed, but this is {kind}")
        with Path(path).open("rb") as stream:
            return _read_policy(stream, os.fstat(stream.fileno()).st_size, str(path))
    except ModelFileError:
        raise
    except OSError as error:
        raise ModelFileNotFoundError(
            f"{path}: cannot be opened ({error.strerror}): give the path of a policy file"
        ) from None
    except ValueError as error:
        raise ModelFileNotFoundError(f"{path!r}: is no path of a file ({error})") from None


def _read_policy(stream: IO[bytes], n_bytes: int, name: str) -> SpikingModel:
    """Read the policy file ``name`` of ``n_bytes``; every refusal names it."""
    try:
        with PolicyArchive(stream, n_bytes) as archive:
            plan = HeaderPlan(read_header(archive.header_bytes()))
            specs = dict(array_specs(plan.layers + plan.source_layers))
            archive.check_names(specs)
            if plan.version > VERSION:
                check_loaded_size(plan.layers + plan.source_layers, n_bytes)
            arrays = {}
            for array, spec in specs.items():
                arrays[array] = as_loaded(archive.read(array, spec), spec)
        return plan.build(arrays)
    except ModelFileError as error:
        raise ModelFileError(f"{name}: {error}") from None
    except MemoryError:
        raise ModelFileError(f"{name}: its {n_bytes} bytes do not fit in memory") from None
