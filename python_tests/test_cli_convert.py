from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dsqn_fast.cli.main import main
from dsqn_fast.model import Dense
from dsqn_fast.model.byte_weights import from_bytes, to_bytes
from dsqn_fast.model_io import load_policy


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("convert") / "net.npz"
    np.savez(
        path,
        w0=rng.normal(size=(4, 16)).astype(np.float32),
        b0=np.zeros(16, np.float32),
        w1=rng.normal(size=(16, 2)).astype(np.float32),
        b1=np.zeros(2, np.float32),
    )
    return path


def _refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main([str(word) for word in words]) == 2
    text = capsys.readouterr()
    assert text.out == ""
    assert text.err.count("\n") == 1
    return text.err


def test_convert_writes_a_policy_and_says_what_it_costs(
    network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, report, plot = tmp_path / "p.npz", tmp_path / "r.json", tmp_path / "p.png"
    words = ["convert", network, "-o", out, "--env", "CartPole-v1", "--normalization", "channel"]
    words += ["-T", 32, "--json", report, "--plot", plot, "--early-exit", 0.8]
    assert main([str(word) for word in words]) == 0
    shown = capsys.readouterr().out
    assert "advice" in shown
    assert "memory traffic is not counted" in " ".join(shown.split())
    data = json.loads(report.read_text())
    model = load_policy(out)
    assert model.n_steps == data["n_steps"] == 32
    assert model.early_exit is not None
    assert model.early_exit.kappa == data["early_exit"]["kappa"]
    assert model.env_id == "CartPole-v1"
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_weights_of_8_bits_are_rounded_before_anything_is_measured(
    network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, seen = tmp_path / "p.npz", tmp_path / "seen.npy"
    np.save(seen, np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32))
    words = ["convert", network, "-o", out, "--normalization", "channel", "-T", 8]
    words += ["--observations", seen, "--weights", "int8"]
    assert main([str(word) for word in words]) == 0
    assert "weights of 8 bits" in capsys.readouterr().out
    assert main([str(word) for word in [*words, "--json", "-"]]) == 0
    data = json.loads(capsys.readouterr().out)
    assert 0.9 < data["rounding"]["agreement"] <= 1
    model = load_policy(out)
    assert model.provenance["rounded_weights"] == data["rounding"]
    diagnosed = ["diagnose", out, "--observations", seen, "--json", "-"]
    assert main([str(word) for word in diagnosed]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["agreement"] == data["diagnosis"]["agreement"]
    assert model.source is not None
    for layer in model.source.layers:
        assert isinstance(layer, Dense)
        again = from_bytes(*to_bytes(layer.weight))
        assert again.tobytes() == layer.weight.tobytes()


def test_auto_is_the_default_and_diagnose_reads_its_policy(
    network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "p.npz"
    words = ["convert", network, "-o", out, "--env", "CartPole-v1", "--max-steps", 16]
    words += ["--agreement", 0.9, "--json", "-"]
    assert main([str(word) for word in words]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["auto"]["candidates"]
    assert main(["diagnose", str(out), "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["n_steps"] == data["n_steps"]


def test_what_was_folded_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch = pytest.importorskip("torch")
    nn = torch.nn
    net, seen = tmp_path / "net.pt", tmp_path / "seen.npy"
    layers = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
    torch.save(layers.state_dict(), net)
    np.save(seen, np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32))
    out, report = tmp_path / "p.npz", tmp_path / "r.json"
    options = ["--observations", seen, "--json", report]
    convert = ["convert", net, "-o", out, "--normalization", "data", "-T", 8]
    for words in (convert, ["diagnose", net, "-T", 8], ["diagnose", out]):
        assert main([str(word) for word in [*words, *options]]) == 0
        assert "note on the source" in capsys.readouterr().out
        assert any("folded" in note for note in json.loads(report.read_text())["source_notes"])


def test_states_that_were_calibrated_on_are_named(
    network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = tmp_path / "seen.npy"
    np.save(seen, np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32))
    convert = ["convert", network, "-o", tmp_path / "p.npz", "--normalization", "data", "-T", 8]
    for words in (convert, ["diagnose", network, "-T", 8]):
        words += ["--observations", seen]
        assert main([str(word) for word in words]) == 0
        assert "those of the calibration" in " ".join(capsys.readouterr().out.split())
        assert main([str(word) for word in [*words, "--env", "CartPole-v1"]]) == 0
        assert "those of the calibration" not in " ".join(capsys.readouterr().out.split())


def test_bad_input_is_one_sentence(
    network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "p.npz"
    convert = ("convert", network, "-o", out)
    assert "give `--env ID` or `--observations FILE`" in _refused(capsys, *convert)
    assert "normalization" in _refused(capsys, *convert, "--normalization", "chanel")
    assert "percentile" in _refused(capsys, *convert, "--percentile", "2")
    assert "no folder" in _refused(capsys, "convert", network, "-o", tmp_path / "no" / "p.npz")
    absent = tmp_path / "absent.npy"
    assert "absent.npy" in _refused(capsys, *convert, "--observations", absent)
    wide = tmp_path / "wide.npy"
    np.save(wide, np.zeros((20, 5)))
    assert "not (20, 5)" in _refused(capsys, *convert, "--observations", wide)
    assert "CartPole-v1" in _refused(capsys, *convert, "--env", "CartPole-v7")
    assert "must end in" in _refused(capsys, *convert, "--plot", tmp_path / "a.xyz")
    assert "max_steps" in _refused(capsys, *convert, "--max-steps", "0")
    assert not out.exists()


def test_a_tanh_agent_is_refused_by_name(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    agent = shared_data / "zoo" / "ppo-CartPole-v1.zip"
    assert "Tanh" in _refused(capsys, "convert", agent, "-o", tmp_path / "p.npz")


def test_a_tanh_agent_teaches_on_observations_from_a_file(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    agent, states, out = tmp_path / "agent.zip", tmp_path / "states.npy", tmp_path / "p.npz"
    agent.write_bytes((shared_data / "zoo" / "ppo-CartPole-v1.zip").read_bytes())
    replay = np.load(shared_data / "thesis" / "cartpole_replay.npz")["observations"]
    np.save(states, replay[:1000])
    words = ["convert", agent, "-o", out, "--distill"]
    assert "give `--env ID` or `--observations FILE`" in _refused(capsys, *words)
    words += ["--observations", states, "--max-steps", 16, "--json", "-"]
    assert main([str(word) for word in words]) == 0
    assert json.loads(capsys.readouterr().out)["distillation"]["accuracy"] > 0.9
    assert load_policy(out).env_id is None


def test_weights_are_stored_as_asked(
    network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = tmp_path / "seen.npy"
    np.save(seen, np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32))
    words = ["convert", network, "--observations", seen, "--normalization", "data", "-T", 8]
    for name, chosen in (("whole", []), ("half", ["--weights", "float16"])):
        assert main([str(word) for word in [*words, "-o", tmp_path / f"{name}.npz", *chosen]]) == 0
    capsys.readouterr()
    whole, half = (load_policy(tmp_path / f"{name}.npz") for name in ("whole", "half"))
    found = half.populations[0].connection.weight
    wanted = whole.populations[0].connection.weight
    np.testing.assert_array_equal(found, wanted.astype(np.float16).astype(np.float32))
    assert (found != wanted).any()
    message = _refused(capsys, *words, "-o", tmp_path / "x.npz", "--weights", "int4")
    assert "weights must be" in message
    assert "int4" in message
    assert not (tmp_path / "x.npz").exists()
