"""Finished cells on disk: one line of JSON each, whole or not there."""

from __future__ import annotations

import json
import os
from pathlib import Path

from dsqn_fast.errors import OutputPathError, StudyError
from dsqn_fast.studies.compute import Row


class RowFile:
    """The rows of a study.

    A row is one write of one line, flushed to the disk; a line that a crash has cut short is
    dropped when the file is read or continued.

    Args:
        path: The file; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[Row]:
        """All whole rows.

        Raises:
            StudyError: A line is no row; the message names it.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StudyError(f"{str(self.path)!r} cannot be read ({error.strerror})") from None
        return [
            self._row(line, number)
            for number, line in enumerate(data.splitlines(keepends=True), 1)
            if line.endswith(b"\n")
        ]

    def _row(self, line: bytes, number: int) -> Row:
        try:
            row = json.loads(line)
            if not (isinstance(row["key"], str) and isinstance(row["cell"], dict)):
                raise TypeError
            if row["status"] not in ("done", "refused"):
                raise ValueError
        except (ValueError, TypeError, KeyError, RecursionError):
            raise StudyError(
                f"{str(self.path)!r}, line {number}: is no row of a study: remove the line, and "
                "run the study again with --resume"
            ) from None
        checked: Row = row
        return checked

    def append(self, row: Row) -> None:
        """Add a row; where it does not fit, the file stays as it was.

        Raises:
            OutputPathError: The disk is full or the folder has gone.
        """
        line = json.dumps(row, allow_nan=False).encode() + b"\n"
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                end = _end_of_whole_lines(file)
                os.ftruncate(file, end)
                _write(file, line, end)
            finally:
                os.close(file)
        except OSError as error:
            raise OutputPathError(
                f"{str(self.path)!r} cannot be written ({error.strerror}): the rows before are "
                "kept; make room and go on with --resume"
            ) from None


def _write(file: int, line: bytes, start: int) -> None:
    try:
        done = 0
        while done < len(line):
            done += os.pwrite(file, line[done:], start + done)
        os.fsync(file)
    except BaseException:
        os.ftruncate(file, start)
        raise


def _end_of_whole_lines(file: int) -> int:
    """Size of the file without a last line that has no end."""
    end = os.lseek(file, 0, os.SEEK_END)
    while end > 0:
        start = max(0, end - 65536)
        found = os.pread(file, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
