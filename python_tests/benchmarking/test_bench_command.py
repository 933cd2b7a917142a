from __future__ import annotations

import json
from pathlib import Path

import pytest

from dsqn_fast.cli.main import main

QUICK = ["bench", "--net", "cartpole", "--peer", "numpy,relu-torch", "--batch", "1,2"]
QUICK += ["-T", "5", "--rounds", "2", "--seconds", "0.001"]


def test_bench_shows_writes_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data_file, picture = tmp_path / "bench.json", tmp_path / "bench.png"
    words = [*QUICK, "--networks", str(tmp_path), "--json", str(data_file), "--plot", str(picture)]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "[4,16,16,2] (seeded" in shown
    assert "NumPy loop" in shown
    assert "the same bits" in shown
    data = json.loads(data_file.read_text())
    rows = data["rows"]
    assert [(row["peer"], row["batch"]) for row in rows] == [
        (peer, batch) for batch in (1, 2) for peer in ("engine", "numpy", "relu-torch")
    ]
    assert {row["status"] for row in rows} == {"timed"}
    assert all(row["agreement"]["share"] == 1 for row in rows)
    assert all(row["seconds"]["median"] > 0 for row in rows)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_json_on_stdout_stands_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["bench", "--net", "cartpole", "--peer", "engine", "--batch", "1", "-T", "5"]
    words += ["--rounds", "1", "--seconds", "0.001", "--networks", str(tmp_path), "--json", "-"]
    assert main(words) == 0
    assert len(json.loads(capsys.readouterr().out)["rows"]) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--net", "cartpol"], "did you mean 'cartpole'"),
        (["--peer", "numpy,pytorch"], "'pytorch'"),
        (["--batch", "1,x"], "--batch takes integers such as 1,64, not '1,x'"),
        (["--batch", ","], "--batch takes integers"),
        (["--batch", "1000"], "batch must be from 1 to 64, not 1000"),
        (["--n-steps", "0"], "n_steps must be an integer from 1"),
        (["--rounds", "0"], "rounds must be from 1"),
        (["--seconds", "-1"], "above 0"),
        (["--plot", "bench.txt"], "must end in .png, .pdf or .svg, not 'bench.txt'"),
        (["--json", "no/such/folder/b.json"], "there is no folder"),
        (["--python", "nest"], "--python takes PEER=PATH"),
        (["--python", "nest=/no/such/python", "--peer", "nest"], "names no file"),
        (["--python", "nest=/no/such/python", "--peer", "numpy"], "only numpy are timed"),
        (["--seed", "-1"], "seed must be from 0"),
        (["--networks", "no/such/folder"], "--networks no/such/folder names no folder"),
    ],
)
def test_bad_input_gets_one_sentence(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", *words]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert message in shown.err


def test_readme_tables_come_from_the_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from report import main as print_tables

    data_file = tmp_path / "bench.json"
    words = [*QUICK, "--networks", str(tmp_path), "--json", str(data_file)]
    assert main(words) == 0
    capsys.readouterr()
    print_tables([str(data_file)])
    table = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert table[0] == "| peer | batch 1 | × engine | batch 2 | × engine |"
    assert [line.split(" | ")[0] for line in table[2:]] == [
        "| dsqn-fast",
        "| NumPy loop",
        "| ReLU network, PyTorch",
    ]
