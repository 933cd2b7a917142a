"""Files appear whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dsqn_fast.errors import OptionError, OutputPathError
from dsqn_fast.output_files import check_separate, check_writable, whole_file, write_whole


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 250)
    for data in (b"first", b"second"):
        write_whole(target, data)
        assert target.read_bytes() == data
    assert list(tmp_path.iterdir()) == [target]


def test_what_was_there_stays_when_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"before")

    def full(self: Path, to: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OutputPathError, match="cannot be written: No space left"):
        write_whole(target, b"after")
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_of_pieces_appears_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"before")
    with whole_file(target) as file:
        file.write(b"af")
        file.flush()
        assert target.read_bytes() == b"before"
        file.write(b"ter")
    assert target.read_bytes() == b"after"
    with pytest.raises(TypeError), whole_file(target) as file:
        file.write("no bytes")  # type: ignore[arg-type]
    assert target.read_bytes() == b"after"
    assert list(tmp_path.iterdir()) == [target]


def test_a_link_keeps_pointing_to_its_file(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    write_whole(link, b"data")
    assert link.is_symlink()
    assert target.read_bytes() == b"data"


def test_devices_are_written_to() -> None:
    write_whole(os.devnull, b"data")
    assert not Path(os.devnull).is_file()


@pytest.mark.parametrize("name", ["", "no/file", "file/below", "n" * 300])
def test_names_that_cannot_be_files(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    for function in (check_writable, lambda path: write_whole(path, b"")):
        with pytest.raises(OutputPathError, match=r"cannot be written|is a folder"):
            function(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_folders_that_are_closed(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"before")
    tmp_path.chmod(0o500)
    try:
        for path in (target, tmp_path / "new"):
            with pytest.raises(OutputPathError, match="permission denied"):
                check_writable(path)
    finally:
        tmp_path.chmod(0o700)


def test_outputs_are_kept_apart_from_inputs_and_from_each_other(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"kept")
    symbolic, hard = tmp_path / "symbolic", tmp_path / "hard"
    symbolic.symlink_to(source)
    hard.hardlink_to(source)
    folder = tmp_path / "folder"
    folder.symlink_to(tmp_path)
    for name in (source, symbolic, hard, folder / "source", tmp_path / "x" / ".." / "source"):
        (tmp_path / "x").mkdir(exist_ok=True)
        with pytest.raises(OptionError, match=r"--json .* would overwrite the policy"):
            check_separate({"--json": name}, {"the policy": source})
    new = tmp_path / "new"
    with pytest.raises(OptionError, match=r"--json .* would overwrite --output"):
        check_separate({"--output": new, "--json": folder / "new"}, {})
    check_separate(
        {"--output": new, "--plot": os.devnull, "--json": os.devnull, "none": None, "out": "-"},
        {"the source": source, "other": new.with_name("n" * 300)},
    )
