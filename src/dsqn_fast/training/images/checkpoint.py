"""Checkpoints of training on images, which need not be trusted: nothing in them is executed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from dsqn_fast.errors import TrainingError
from dsqn_fast.output_files import whole_file


def write_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write tensors one by one into a file that appears, or replaces another, at the end.

    Raises:
        OutputPathError: The file cannot be written.
    """
    with whole_file(path) as file:
        try:
            torch.save(dict(state), file)
        except RuntimeError as error:
            # torch fails once more, when it ends the archive, and hides why it could not go on.
            raise error.__context__ if isinstance(error.__context__, OSError) else error from None


@contextmanager
def opened_checkpoint(path: Path) -> Iterator[dict[str, Any]]:
    """What the checkpoint at ``path`` holds; it is taken over within the context.

    Tensors are read from the file where they are used: what is kept must be copied, or the file
    stays on the disk after it was replaced.

    Raises:
        TrainingError: It cannot be read, or what it holds cannot be taken over.
    """
    try:
        yield torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # torch.load raises many kinds on damaged files
        reason = " ".join(str(error).split())[:200]
        raise TrainingError(
            f"{str(path)!r} is not a checkpoint of this run ({type(error).__name__}: "
            f"{reason}): start the run anew in another folder"
        ) from None
