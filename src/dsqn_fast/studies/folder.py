"""The folder of a study: what was to be done, with what, and the rows so far."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from dsqn_fast.errors import OutputPathError, StudyError
from dsqn_fast.output_files import write_whole
from dsqn_fast.studies.rows import RowFile

PLAN: Final = "plan.json"
STUDY: Final = "study.toml"
ROWS: Final = "rows.jsonl"
PROVENANCE: Final = "provenance.json"
FORMAT: Final = 1


class StudyFolder:
    """Where a study keeps its files.

    ``study.toml``: the study file, word for word. ``plan.json``: policies, cells and amount.
    ``rows.jsonl``: a line per finished cell. ``provenance.json``: every run of the command with
    its versions, hardware and duration.

    Args:
        path: The folder.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.rows = RowFile(self.path / ROWS)

    def check(self, plan: Mapping[str, Any], *, resume: bool) -> None:
        """Check that the folder is free, or that it holds the same study and is to be resumed.

        A study may have grown, by policies or values: what it had is still part of it.

        Raises:
            OutputPathError: It holds a study and is not to be resumed.
            StudyError: It holds another study; the first difference is named.
        """
        if not (self.path / PLAN).exists():
            return
        if not resume:
            raise OutputPathError(
                f"{str(self.path)!r} already holds a study: go on with it by --resume, or "
                "choose another folder with --out"
            )
        found, wanted = self.plan(), json.loads(json.dumps(plan))
        difference = _first_difference(found, wanted)
        if difference is not None and not _keys(found) <= _keys(wanted):
            raise StudyError(
                f"the study in {str(self.path)!r} was started with {difference}: resume it with "
                "the same options, or choose another folder with --out"
            )

    def start(self, plan: Mapping[str, Any], text: str) -> None:
        """Write what is to be done; from then on the folder holds the study.

        Raises:
            OutputPathError: It cannot be written.
        """
        write_whole(self.path / STUDY, text.encode())
        self._write_json(PLAN, plan)

    def plan(self) -> dict[str, Any]:
        """What was to be done.

        Raises:
            StudyError: The folder holds no study.
        """
        plan = self._read_json(PLAN)
        if plan.get("format") != FORMAT:
            raise StudyError(
                f"the study in {str(self.path)!r} has format {plan.get('format')!r}, this version "
                f"reads {FORMAT}"
            )
        return plan

    def study_text(self) -> str:
        """The study file.

        Raises:
            StudyError: It is not there.
        """
        try:
            return (self.path / STUDY).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise StudyError(f"{str(self.path)!r} holds no study ({error})") from None

    def provenance(self) -> list[dict[str, Any]]:
        """Every run of the command that added rows."""
        if not (self.path / PROVENANCE).exists():
            return []
        runs = self._read_json(PROVENANCE).get("runs", [])
        return [run for run in runs if isinstance(run, dict)]

    def add_run(self, run: Mapping[str, Any]) -> None:
        """Note a run of the command."""
        self._write_json(PROVENANCE, {"runs": [*self.provenance(), run]})

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs out of the folder.

        Raises:
            StudyError: Another one is in it.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            file = (self.path / ".lock").open("w")
        except OSError as error:
            raise OutputPathError(
                f"the folder {str(self.path)!r} cannot be written ({error.strerror}): choose "
                "another one with --out"
            ) from None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise StudyError(
                    f"another run is computing in {str(self.path)!r}: wait for it, or choose "
                    "another folder with --out"
                ) from None
            yield

    def _read_json(self, name: str) -> dict[str, Any]:
        try:
            value = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise StudyError(f"{str(self.path)!r} holds no study ({name}: {error})") from None
        if not isinstance(value, dict):
            raise StudyError(f"{str(self.path)!r} holds no study ({name} is no JSON object)")
        return value

    def _write_json(self, name: str, value: Mapping[str, Any]) -> None:
        text = json.dumps(value, indent=1, allow_nan=False)
        write_whole(self.path / name, (text + "\n").encode())


def _keys(plan: Mapping[str, Any]) -> set[Any]:
    """Keys of the cells of a plan; a damaged one has a key that no other plan has."""
    cells = plan.get("cells")
    if not isinstance(cells, list):
        return {None}
    return {cell.get("key") if isinstance(cell, dict) else None for cell in cells}


def _first_difference(found: Any, wanted: Any, name: str = "") -> str | None:
    """Where two JSON values differ first, in words."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        # What follows from the rest comes last.
        keys = found.keys() | wanted.keys()
        for key in sorted(keys, key=lambda key: (key in ("cells", "files", "key"), key)):
            inner = f"{name}.{key}" if name else key
            difference = _first_difference(found.get(key), wanted.get(key), inner)
            if difference is not None:
                return difference
        return None
    if isinstance(found, list) and isinstance(wanted, list):
        if len(found) != len(wanted):
            return f"{len(found)} {name}, not {len(wanted)}"
        pairs = enumerate(zip(found, wanted, strict=True))
        differences = (_first_difference(a, b, f"{name}[{place}]") for place, (a, b) in pairs)
        return next((one for one in differences if one is not None), None)
    return None if found == wanted else f"{name} = {found!r}, not {wanted!r}"
