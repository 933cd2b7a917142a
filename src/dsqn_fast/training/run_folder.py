"""The folder of one training run: every file in it is whole at any moment."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import OutputPathError, TrainingError
from dsqn_fast.output_files import write_whole

CONFIG: Final = "config.json"
EVALUATIONS: Final = "evaluations.jsonl"
RESULT: Final = "result.json"


class RunFolder:
    """Where a run keeps its files.

    ``config.json``: method, environment, seeds and settings. ``versions.json``: libraries and
    git state. ``evaluations.jsonl``: one evaluation per line. ``best.npz``: weights w0, b0, ...
    of the best network. ``policy.npz``: the spiking policy that it is or became.
    ``result.json``: the scores of both on fresh episodes. ``checkpoint.pt``: the last moment from
    which an unfinished run can go on. ``replay.npz``: the last observations of a replay memory.
    ``tensorboard/``: a log for TensorBoard. ``learning-curve.png``.

    Args:
        path: The folder.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def create(self, config: Mapping[str, Any], made_with: Mapping[str, Any]) -> None:
        """Make the folder for a new run.

        Raises:
            OutputPathError: It cannot be made, or already holds a run.
        """
        if (self.path / CONFIG).exists():
            raise OutputPathError(
                f"{str(self.path)!r} already holds a run: choose another folder with --out, or "
                "remove it"
            )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputPathError(
                f"the folder {str(self.path)!r} cannot be made ({error.strerror}): choose another "
                "one with --out"
            ) from None
        self.write_json("versions.json", made_with)
        self.write(EVALUATIONS, b"")
        self.write_json(CONFIG, config)

    def check_resumable(self, config: Mapping[str, Any]) -> None:
        """Check that the folder holds an unfinished run with the same config.

        Raises:
            TrainingError: It holds none, a finished one, or one with another config; the
                message names the first difference and both values.
        """
        path = self.path / CONFIG
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise TrainingError(
                f"{str(self.path)!r} holds no run to resume ({error}): start one without resuming"
            ) from None
        if (self.path / RESULT).exists():
            raise TrainingError(
                f"the run in {str(self.path)!r} is finished: there is nothing to resume"
            )
        difference = first_difference(found, json.loads(json.dumps(config)))
        if difference is not None:
            raise TrainingError(
                f"the run in {str(self.path)!r} was started with {difference}: resume it with the "
                "same options, or start another one"
            )

    def write_result(self, result: Mapping[str, Any]) -> None:
        """Write the result, which marks the run as finished."""
        self.write_json(RESULT, result)

    def write(self, name: str, data: bytes) -> Path:
        """Write a file whole or not at all.

        Raises:
            OutputPathError: It cannot be written.
        """
        path = self.path / name
        write_whole(path, data)
        return path

    def write_json(self, name: str, value: Mapping[str, Any]) -> Path:
        """Write indented JSON; see `write`."""
        return self.write(name, (json.dumps(value, indent=2, allow_nan=False) + "\n").encode())

    def write_arrays(self, name: str, arrays: Mapping[str, NDArray[Any]]) -> Path:
        """Write an ``.npz`` of plain arrays; see `write`."""
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        return self.write(name, buffer.getvalue())

    def append_evaluation(self, record: Mapping[str, Any]) -> None:
        """Add a line to the evaluations.

        Raises:
            OutputPathError: The disk is full or the folder has gone.
        """
        path = self.path / EVALUATIONS
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record, allow_nan=False) + "\n")
        except OSError as error:
            raise OutputPathError(
                f"{str(path)!r} cannot be written ({error.strerror}): make room for it"
            ) from None

    def rewrite_evaluations(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Replace all evaluations, as a run does that goes back to a checkpoint."""
        lines = [json.dumps(record, allow_nan=False) + "\n" for record in records]
        self.write(EVALUATIONS, "".join(lines).encode())

    def evaluations(self) -> list[dict[str, Any]]:
        """All evaluations so far; a last line that was cut short is left out.

        Raises:
            TrainingError: The file is missing or holds something else.
        """
        path = self.path / EVALUATIONS
        try:
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            return [json.loads(line) for line in lines if line.endswith("\n")]
        except (OSError, ValueError) as error:
            raise TrainingError(
                f"{str(path)!r} does not hold the evaluations of a run ({error})"
            ) from None


def first_difference(found: Any, wanted: Any, name: str = "") -> str | None:
    """Where two JSON values differ first, in words; the command follows from the rest."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in sorted((found.keys() | wanted.keys()) - {"command"}):
            inner = f"{name}.{key}" if name else key
            difference = first_difference(found.get(key), wanted.get(key), inner)
            if difference is not None:
                return difference
        return None
    return None if found == wanted else f"{name} = {found!r}, not {wanted!r}"
