"""A learner at one moment of its training, as a file without objects."""

from __future__ import annotations

import io
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dsqn_fast.errors import TrainingError
from dsqn_fast.training.learner import Learner


def write_checkpoint(learner: Learner, rest: Mapping[str, Any]) -> bytes:
    """The learner at this moment, and the random states of the process.

    Args:
        learner: At a moment from which it can go on.
        rest: What else belongs to the moment: numbers, text, tensors, lists and mappings.

    Returns:
        Bytes that `read_checkpoint` reads.
    """
    state = {"learner": learner.state(), "random": _random_states(), "rest": dict(rest)}
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def read_checkpoint(path: Path, learner: Learner) -> dict[str, Any]:
    """Bring a new learner to the moment of a checkpoint; returns the rest.

    Tensors and plain values are read and nothing is executed.

    Raises:
        TrainingError: The file is damaged, or of a learner with other settings.
    """
    try:
        # The file is read whole first: a memory map of it would change with the file.
        state = torch.load(io.BytesIO(path.read_bytes()), map_location="cpu", weights_only=True)
        learner.restore(state["learner"])
        # Last, because making a learner and an environment draws random numbers.
        _restore_random_states(state["random"])
        rest: dict[str, Any] = state["rest"]
    except TrainingError:
        raise
    except Exception as error:  # torch.load raises many kinds on damaged files
        reason = " ".join(str(error).split())[:200]
        raise TrainingError(
            f"{str(path)!r} is not a checkpoint of this run ({type(error).__name__}: {reason}): "
            "start the run anew in another folder"
        ) from None
    return rest


def _random_states() -> dict[str, Any]:
    kind, keys, position, has_gauss, gauss = np.random.get_state()  # noqa: NPY002  # SB3 draws here
    return {
        "torch": torch.get_rng_state(),
        "numpy": [kind, [int(key) for key in keys], position, has_gauss, gauss],
        "python": random.getstate(),
    }


def _restore_random_states(states: Mapping[str, Any]) -> None:
    torch.set_rng_state(states["torch"])
    kind, keys, position, has_gauss, gauss = states["numpy"]
    words = np.array(keys, np.uint32)
    np.random.set_state((kind, words, position, has_gauss, gauss))  # noqa: NPY002  # as above
    version, numbers, following = states["python"]
    random.setstate((version, tuple(numbers), following))
