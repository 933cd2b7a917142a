"""Checkpoints of training on images, which need not be trusted: nothing in them is executed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from dsqn_fast.errors import TrainingError


@contextmanager
def opened_checkpoint(path: Path) -> Iterator[dict[str, Any]]:
    """What the checkpoint at ``path`` holds; it is taken over within the context.

    Raises:
        TrainingError: It cannot be read, or what it holds cannot be taken over.
    """
    try:
        yield torch.load(io.BytesIO(path.read_bytes()), map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises many kinds on damaged files
        reason = " ".join(str(error).split())[:200]
        raise TrainingError(
            f"{str(path)!r} is not a checkpoint of this run ({type(error).__name__}: "
            f"{reason}): start the run anew in another folder"
        ) from None
