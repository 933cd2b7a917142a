from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from policy_models import scaled_model

from dsqn_fast.benchmarking.plan import Plan
from dsqn_fast.benchmarking.policy_nets import flattened
from dsqn_fast.cli.main import main
from dsqn_fast.conversion import convert
from dsqn_fast.engine import Engine
from dsqn_fast.errors import DsqnError
from dsqn_fast.model import AnnModel, Dense, Flatten, SpikingModel

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


def test_a_policy_is_timed_on_states_that_it_visits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy, data_file = tmp_path / "mine.npz", tmp_path / "bench.json"
    cartpole_policy().save(policy)
    words = ["bench", "--policy", str(policy), "--peer", "engine-fixed,numpy,relu-torch"]
    words += ["-T", "8", "--batch", "2", "--rounds", "2", "--seconds", "0.001"]
    assert main([*words, "--json", str(data_file)]) == 0
    assert "mine.npz (policy" in capsys.readouterr().out
    rows = json.loads(data_file.read_text())["rows"]
    assert [row["net"] for row in rows] == [str(policy)] * 4
    assert {row["agreement"]["observations"] for row in rows} == {64}
    assert all(row["agreement"]["share"] == 1 for row in rows if row["peer"] != "engine-fixed")
    cartpole_policy().replace(env_id=None).save(policy)
    assert main(words) == 2
    assert "names no environment to take observations from" in capsys.readouterr().err
    assert main([*words, "--json", str(policy)]) == 2


def test_a_policy_that_is_named_like_a_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its noise: an observation has its own, in batches of any size."""
    monkeypatch.chdir(tmp_path)
    cartpole_policy().replace(encoding="poisson").save("mine.npz")
    Path("mine.npz").rename("cartpole")
    words = ["bench", "--policy", "cartpole", "--peer", "engine-fixed", "--batch", "1,7"]
    words += ["-T", "8", "--rounds", "1", "--seconds", "0.001", "--json", "b.json"]
    assert main(words) == 0
    assert "cartpole (policy" in capsys.readouterr().out
    rows = json.loads(Path("b.json").read_text())["rows"]
    assert {(row["net"], row["origin"]) for row in rows} == {("./cartpole", "policy")}
    engine = [row["agreement"] for row in rows if row["peer"] == "engine"]
    assert [row["observations"] for row in engine] == [64, 63]
    assert [(row["share"], row["largest_difference"]) for row in engine] == [(1, 0), (1, 0)]


@pytest.mark.parametrize(
    ("env_id", "message"),
    [("Cartpole-v7", "Cartpole-v7"), ("MountainCar-v0", "(2,)"), (None, "names no environment")],
)
def test_a_policy_that_cannot_play_is_found_early(
    env_id: str | None, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.npz"
    cartpole_policy().replace(env_id=env_id).save(path)
    with pytest.raises(DsqnError, match=re.escape(message)):
        Plan(policies=(path,))


def cartpole_policy() -> SpikingModel:
    rng = np.random.default_rng(0)
    layers = [
        Dense(weight=rng.normal(size=shape).astype(np.float32), bias=np.zeros(shape[1], np.float32))
        for shape in ((4, 16), (16, 2))
    ]
    ann = AnnModel(layers=tuple(layers), input_shape=(4,), env_id="CartPole-v1")
    seen = rng.normal(size=(50, 4)).astype(np.float32)
    return convert(ann, seen, normalization="data", n_steps=8)


def test_images_that_are_only_flattened_arrive_flat() -> None:
    model = scaled_model()
    flatten = [layer for layer in model.layers if isinstance(layer, Flatten)]
    dense = list(model.populations[1:])
    assert model.source is not None
    source = replace(
        model.source, layers=(*flatten, *model.source.layers[-2:]), input_shape=(2, 2, 3)
    )
    image = model.replace(layers=(*flatten, *dense), input_shape=(2, 2, 3), source=source)
    flat = flattened(image)
    seen = np.random.default_rng(0).normal(size=(5, 2, 2, 3)).astype(np.float32)
    found = Engine(flat).run(seen.reshape(5, 12)).outputs
    assert found.tobytes() == Engine(image).run(seen).outputs.tobytes()
    assert flat.source is not None
    assert flat.source.input_shape == (12,)


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
