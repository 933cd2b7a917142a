"""Calls of `dsqn-fast` as its tests make them: in this process, or in one of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from child_processes import start

from dsqn_fast.cli.main import main
from dsqn_fast.model_io import load_policy

PROGRAM = ("-m", "dsqn_fast.cli.main")


def call(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """What a command prints; it succeeds and says nothing on stderr."""
    assert main([str(word) for word in words]) == 0
    text = capsys.readouterr()
    assert text.err == ""
    return text.out


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """The one line of a command that refuses its input with exit code 2."""
    assert main([str(word) for word in words]) == 2
    text = capsys.readouterr()
    assert text.out == ""
    assert one_sentence(text.err)
    return text.err


def one_sentence(errors: str) -> bool:
    """Whether stderr is one line of the program, not a traceback."""
    return (
        errors.startswith("dsqn-fast: ")
        and errors.endswith("\n")
        and errors.count("\n") == 1
        and "Traceback" not in errors
    )


def process(*words: object, **variables: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the program in a process of its own."""
    with start(*PROGRAM, *map(str, words), **variables) as child:
        out, errors = child.communicate(timeout=120)
    return child.returncode, out, errors


def table_rows(shown: str) -> dict[str, str]:
    """First and second column of a printed table."""
    cells = [
        [cell.strip() for cell in line.strip("│ ").split("│")]
        for line in shown.splitlines()
        if line.startswith("│")
    ]
    return {row[0]: row[1] for row in cells if len(row) == 2}


def bad_policy_files(folder: Path, good: Path) -> dict[str, tuple[Path, str]]:
    """Files that are no policies, each with a part of the sentence that refuses it."""
    model = load_policy(good)
    text = folder / "text.npz"
    text.write_text("this is no policy")
    array = folder / "array.npz"
    np.savez(array, a=np.zeros(3))
    cut = folder / "cut.npz"
    cut.write_bytes(good.read_bytes()[:2000])
    version, nan = folder / "version.npz", folder / "nan.npz"
    model.save(version)
    with np.load(version, allow_pickle=False) as file:
        entries = {name: file[name] for name in file.files}
    header = entries["header"]
    later = header.tobytes().replace(b'"version": 1,', b'"version": 9,', 1)
    assert later != header.tobytes(), header.tobytes()[:200]
    np.savez(version, **(entries | {"header": np.frombuffer(later, header.dtype)}))
    weight = next(n for n in entries if n.endswith("weight") and entries[n].dtype.kind == "f")
    np.savez(nan, **(entries | {weight: np.full_like(entries[weight], np.nan)}))
    return {
        "missing": (folder / "missing.npz", "missing.npz"),
        "folder": (folder, folder.name),
        "text": (text, "text.npz"),
        "array": (array, "array.npz"),
        "cut": (cut, "cut.npz"),
        "version": (version, "version"),
        "nan": (nan, "NaN"),
    }
