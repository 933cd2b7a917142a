"""`dsqn-fast info`, and what all commands share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from child_processes import output_of
from command_calls import bad_policy_files, call, one_sentence, process, refused, table_rows
from simulators import dense_model

from dsqn_fast.cli.commands import COMMANDS
from dsqn_fast.engine import active_isa, available_isas
from dsqn_fast.model_io import load_policy


def test_an_installation_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(call(capsys, "info", "--json", "-"))
    assert data["isa"] == active_isa()
    assert data["available_isas"] == available_isas()
    assert data["numpy"] == np.__version__
    extras = {*data["extras_installed"], *data["extras_missing"]}
    assert {"train", "onnx", "plot"} <= extras
    rows = table_rows(call(capsys, "info"))
    assert rows["isa"] == active_isa()


def test_a_policy_is_described(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(call(capsys, "info", shipped, "--json", "-"))
    model = load_policy(shipped)
    assert data["file"] == str(shipped)
    assert data["bytes"] == shipped.stat().st_size
    assert (data["n_steps"], data["env_id"], data["actions"]) == (model.n_steps, "CartPole-v1", 2)
    assert data["has_source"]
    assert data["provenance"] == json.loads(json.dumps(dict(model.provenance)))
    assert [layer["kind"] for layer in data["layers"]] == ["dense"] * len(model.layers)
    weights = [p.connection.weight for p in model.populations]
    assert data["neurons"] == sum(weight.shape[1] for weight in weights)
    assert data["layers"][0]["parameters"] == weights[0].size + weights[0].shape[1]
    shown = call(capsys, "info", shipped)
    rows = table_rows(shown)
    assert rows["env_id"] == "CartPole-v1"
    assert rows["n_steps"] == str(model.n_steps)
    assert "initial_potential" in shown


def test_a_json_file_is_written_beside_the_tables(
    noisy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "i.json"
    assert "encoding" in call(capsys, "info", noisy, "--json", target)
    assert json.loads(target.read_text())["encoding"] == "poisson"
    assert list(tmp_path.iterdir()) == [target]


def test_text_of_a_file_commands_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "p.npz"
    provenance = {"note": "\x1b[2Jgone", "\x1b[31m": "[bold red]red[/]", "list": ["\x1b"]}
    dense_model([np.zeros((4, 2))], provenance=provenance).save(path)
    shown = call(capsys, "info", path)
    assert "\x1b" not in shown
    assert "[bold red]red[/]" in shown
    assert json.loads(call(capsys, "info", path, "--json", "-"))["provenance"] == provenance


@pytest.mark.parametrize(
    ("kind", "magic"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")]
)
def test_a_decision_is_drawn(
    kind: str, magic: bytes, shipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / f"raster.{kind}"
    call(capsys, "info", shipped, "--raster", picture, "--seed", 3)
    assert picture.read_bytes().startswith(magic)
    assert picture.stat().st_size > 5000
    assert list(tmp_path.iterdir()) == [picture]


def test_the_drawing_shows_the_observation_and_the_steps(
    noisy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    files = [tmp_path / f"{index}.png" for index in range(4)]
    here = ["--observation", "-0.9,0.9, 0.9,-0.9"]
    for file, words in zip(
        files, (here, here, ["--observation", "0 0 0 0"], [*here, "-T", 40]), strict=True
    ):
        call(capsys, "info", noisy, "--raster", file, *words)
    pictures = [file.read_bytes() for file in files]
    assert pictures[0] == pictures[1]
    assert pictures[0] not in pictures[2:]


def test_matplotlib_is_imported_for_pictures_alone(shipped: Path) -> None:
    script = f"""
import sys
from dsqn_fast.cli.main import main
assert main(["info", {str(shipped)!r}, "--json", "-"]) == 0
print({{"torch", "matplotlib", "scipy"}}.intersection(sys.modules))
"""
    assert output_of("-c", script).endswith("}\nset()\n")


@pytest.mark.parametrize("kind", ["missing", "folder", "text", "array", "cut", "version", "nan"])
def test_files_that_are_no_policies(
    kind: str, shipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, message = bad_policy_files(tmp_path, shipped)[kind]
    before = sorted(tmp_path.iterdir())
    words = ["--raster", tmp_path / "r.png", "--json", tmp_path / "r.json"]
    assert message in refused(capsys, "info", path, *words)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--observation", "1,2"], "(B, 4) or (4,), not (1, 2)"),
        (["--observation", ""], "not (1, 0)"),
        (["--observation", "1,2,x,4"], "not '1,2,x,4'"),
        (["--observation", "1,2,nan,4"], "must be finite"),
        (["-T", 0], "n_steps must be an integer from 1 to 16777216, not 0"),
        (["-T", 2**40], "not 1099511627776"),
        (["-T", 10_001], "at most 10000 n_steps, not 10001"),
        (["--seed", -1], "not -1"),
        (["--seed=abc"], "'abc'"),
        (["--json", "no/such/folder/r.json"], "there is no folder no/such/folder"),
    ],
)
def test_bad_options_draw_nothing(
    words: list[Any],
    message: str,
    noisy: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("matplotlib")
    assert message in refused(capsys, "info", noisy, "--raster", tmp_path / "r.png", *words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("r.jpeg", "must end in .png, .pdf or .svg, not 'r.jpeg'"),
        ("no/r.png", "there is no folder"),
        ("folder.png", "is a folder"),
        ("n" * 300 + ".png", "File name too long"),
    ],
)
def test_pictures_that_cannot_be_written(
    name: str, message: str, noisy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    (tmp_path / "folder.png").mkdir()
    assert message in refused(capsys, "info", noisy, "--raster", tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


def test_drawing_needs_a_policy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "need a policy file" in refused(capsys, "info", "--raster", tmp_path / "r.png")
    path = tmp_path / "p.npz"
    dense_model([np.zeros((4, 2))]).save(path)
    words = ["info", path, "--raster", tmp_path / "r.png"]
    assert "give an observation" in refused(capsys, *words)
    call(capsys, *words, "--observation", "1,2,3,4")


def test_an_unknown_instruction_set_is_named() -> None:
    code, out, errors = process("info", DSQN_FORCE_ISA="mmx")
    assert (code, out) == (2, "")
    assert one_sentence(errors)
    assert "mmx" in errors


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_has_an_example(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = " ".join(call(capsys, command, "--help").split())
    assert f"Example: dsqn-fast {command} " in shown
    assert f" {command} " in call(capsys, "--help")
    if command != "study":  # whose own commands have it, see below
        assert "--json" in shown


@pytest.mark.parametrize("command", ["list", "run", "report"])
def test_the_help_of_every_study_command_has_an_example(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = " ".join(call(capsys, "study", command, "--help").split())
    assert f"Example: dsqn-fast study {command}" in shown
    assert "--json" in shown


def test_no_words_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys) == call(capsys, "--help")
    assert call(capsys, "--version").startswith("dsqn-fast ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rum"], "'rum'"),
        (["run"], "Missing argument 'POLICY'"),
        (["--frobnicate"], "--frobnicate"),
        (["info", "a", "b"], "extra argument"),
        (["info", "--json"], "'--json' requires an argument"),
    ],
)
def test_usage_errors_are_one_sentence(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in refused(capsys, *words)


def test_an_interrupted_command_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, noisy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from dsqn_fast import model_io
    from dsqn_fast.cli.main import main

    def interrupted(path: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(model_io, "load_policy", interrupted)
    assert main(["info", str(noisy)]) == 130
    assert capsys.readouterr().out == ""
