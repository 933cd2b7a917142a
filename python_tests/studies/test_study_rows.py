from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from dsqn_fast.errors import OutputPathError, StudyError
from dsqn_fast.studies.rows import RowFile

ROW = {"key": "a", "cell": {}, "status": "done"}


def test_rows_come_back_in_order(tmp_path: Path) -> None:
    file = RowFile(tmp_path / "rows.jsonl")
    assert file.read() == []
    rows = [{**ROW, "key": str(number)} for number in range(5)]
    for row in rows:
        file.append(row)
    assert file.read() == rows


@pytest.mark.parametrize("kept", range(0, 60, 7))
def test_a_cut_line_is_dropped_and_written_over(tmp_path: Path, kept: int) -> None:
    file = RowFile(tmp_path / "rows.jsonl")
    file.append(ROW)
    whole = file.path.read_bytes()
    file.path.write_bytes(whole + whole[: min(kept, len(whole) - 1)])
    assert file.read() == [ROW]
    file.append({**ROW, "key": "b"})
    assert [row["key"] for row in file.read()] == ["a", "b"]


def test_a_long_cut_line_is_dropped(tmp_path: Path) -> None:
    file = RowFile(tmp_path / "rows.jsonl")
    file.append(ROW)
    with file.path.open("ab") as stream:
        stream.write(b"x" * 200_000)
    file.append(ROW)
    assert file.read() == [ROW, ROW]


@pytest.mark.parametrize("line", ["[]", "{}", "null", "{", '{"key": 1}', "9" * 5000])
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    file = RowFile(tmp_path / "rows.jsonl")
    file.append(ROW)
    with file.path.open("a") as stream:
        stream.write(line + "\n")
    with pytest.raises(StudyError, match="line 2: is no row"):
        file.read()


def test_a_full_disk_keeps_the_rows_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = RowFile(tmp_path / "rows.jsonl")
    file.append(ROW)
    before = file.path.read_bytes()
    write = os.pwrite

    def full(descriptor: int, data: bytes, offset: int) -> int:
        if offset > len(before):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data[:10], offset)

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OutputPathError, match=r"No space left on device.*--resume"):
        file.append({**ROW, "key": "b"})
    assert file.path.read_bytes() == before
    monkeypatch.undo()
    file.append({**ROW, "key": "b"})
    assert len(file.read()) == 2
    assert json.loads(file.path.read_bytes().splitlines()[1])["key"] == "b"
