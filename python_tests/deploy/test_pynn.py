from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_calls import call, refused, table_rows
from deploy.policies_to_deploy import image_policy, thesis_policy
from simulators import dense_model

from dsqn_fast.deploy.backend import Backend
from dsqn_fast.deploy.export import export_policy
from dsqn_fast.deploy.interpreters import interpreter
from dsqn_fast.deploy.pynn_export import MOST_SYNAPSES
from dsqn_fast.deploy.verify import verify
from dsqn_fast.engine import Engine
from dsqn_fast.errors import OptionError, OutputPathError, UnsupportedError
from dsqn_fast.model import Neuron
from dsqn_fast.model_io import load_policy


def run_script(folder: Path, *words: object, python: str = sys.executable) -> dict[str, Any]:
    """What an exported script prints; this package is out of its reach."""
    command = [python, "-P", "policy.py", *map(str, words)]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert "dsqn_fast" not in (folder / "policy.py").read_text()
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.mark.usefixtures("pynn_nest")
def test_the_exported_script_decides_as_the_engine(policies: Path, tmp_path: Path) -> None:
    model = load_policy(policies / "cartpole-dqn.npz")
    report = export_policy(model, "pynn", tmp_path / "policy.py")
    assert [Path(file).name for file in report.files] == ["policy.py", "policy.npz"]
    assert any("reset by subtraction" in loss for loss in report.losses)
    seen = np.random.default_rng(1).uniform(-0.2, 0.2, (20, 4))
    np.save(tmp_path / "seen.npy", seen)
    found = run_script(tmp_path, "nest", "seen.npy", python=interpreter("pynn-nest"))
    neuron = Neuron(beta=1 - 2.0**-33)
    ours = Engine(model.replace(neuron=neuron), precision="float64").run(seen)
    assert found["actions"] == ours.actions.tolist()
    assert np.allclose(found["potentials"], ours.outputs, rtol=0, atol=1e-12)
    for theirs, counts in zip(found["spike_counts"], ours.spike_counts, strict=True):
        assert theirs == counts.tolist()
    one = run_script(tmp_path, "nest", "0.1,0,0,0.2", python=interpreter("pynn-nest"))
    assert one["actions"] == Engine(model).run(np.array([[0.1, 0, 0, 0.2]])).actions.tolist()


@pytest.mark.parametrize(
    "changes",
    [
        {"timing": "nest", "neuron": Neuron(reset="zero")},
        {"timing": "nest", "encoding": "poisson"},
        {"timing": "instant", "neuron": Neuron(beta=0.9), "decoding": "count+potential"},
    ],
    ids=["reset-to-zero", "poisson", "leaky-instant"],
)
@pytest.mark.usefixtures("pynn_nest")
def test_nests_neurons_are_exact(shared_data: Path, changes: dict[str, Any]) -> None:
    model, seen = thesis_policy(shared_data, n_steps=30)
    report = verify(model.replace(**changes), "pynn-nest", observations=seen[:20])
    assert report.verdict.word == "exact", report.verdict.sentence
    assert report.comparison is not None
    if changes["timing"] == "nest":
        assert report.comparison.potentials_differ == 0


@pytest.mark.usefixtures("pynn_nest")
def test_images(shared_data: Path) -> None:
    model, images = image_policy(timing="instant")
    report = verify(model, "pynn-nest", observations=images[:2])
    assert report.verdict.word == "exact", report.verdict.sentence


@pytest.mark.usefixtures("pynn_brian2")
def test_the_standard_neuron_is_judged_as_what_it_is(shared_data: Path) -> None:
    model, seen = thesis_policy(shared_data, n_steps=12, timing="nest", reset="zero")
    report = verify(model, "pynn-brian2", observations=seen[:3])
    comparison = report.comparison
    assert comparison is not None
    # Constant currents do not meet its order of integration; what spikes bring does.
    assert comparison.layers[0].mismatches == 0 < comparison.layers[0].ours
    assert comparison.layers[1].mismatches > 0
    assert comparison.first_difference is not None
    assert comparison.first_difference.layer == 2
    assert report.verdict.word in ("approximate", "faithful")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"decoding": "first-spike"}, "'first-spike' ends it before"),
        ({"neuron": Neuron(spikes="signed")}, "not 'signed' ones"),
        ({"neuron": Neuron(alpha=0.5)}, "alpha = 0.5"),
        ({"timing": "spytorch"}, "timing 'spytorch' does not"),
    ],
)
def test_what_pynn_cannot_run(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    model = dense_model([np.eye(2), np.eye(2)], n_steps=5).replace(**changes)
    with pytest.raises(UnsupportedError, match=words):
        export_policy(model, "pynn", tmp_path / "policy.py")
    assert not list(tmp_path.iterdir())
    assert verify(model, "pynn-nest", observations=[[0, 0]]).verdict.word == "unsupported"


def test_wrong_exports(tmp_path: Path) -> None:
    model = dense_model([np.eye(2), np.eye(2)], n_steps=5)
    with pytest.raises(OptionError, match=r"must end in \.py, not 'policy.txt'"):
        export_policy(model, "pynn", tmp_path / "policy.txt")
    with pytest.raises(OptionError, match="has the option timing, not 'fast'"):
        export_policy(model, "pynn", tmp_path / "policy.py", options={"fast": 1})
    with pytest.raises(OptionError, match="timing must be one of auto, nest, instant, not"):
        export_policy(model, "pynn", tmp_path / "policy.py", options={"timing": "late"})
    with pytest.raises(OptionError, match="target must be one of"):
        export_policy(model, "pinn", tmp_path / "policy.py")
    with pytest.raises(OutputPathError, match="no folder"):
        export_policy(model, "pynn", tmp_path / "none" / "policy.py")
    large = dense_model([np.zeros((2, 500)), np.zeros((500, 500))], n_steps=5)
    with pytest.raises(UnsupportedError, match=f"at most {MOST_SYNAPSES} are built"):
        export_policy(large, "pynn", tmp_path / "policy.py")


def test_the_command(capsys: pytest.CaptureFixture[str], policies: Path, tmp_path: Path) -> None:
    words = ("export", "pynn", policies / "cartpole-dqn.npz", "-o")
    rows = table_rows(call(capsys, *words, tmp_path / "p.py"))
    assert "written" in rows
    data = json.loads(call(capsys, *words, tmp_path / "p.py", "--json", "-"))
    assert data["files"][0] == str(tmp_path / "p.py")
    assert "must end in .py" in refused(capsys, *words, tmp_path / "p.npz")


@pytest.mark.usefixtures("pynn_nest")
def test_a_network_serves_one_batch_after_the_other(shared_data: Path) -> None:
    model, seen = thesis_policy(shared_data, n_steps=10, timing="instant")
    neuron = Neuron(beta=1 - 2.0**-33)
    for encoding in ("constant", "poisson"):
        model = model.replace(encoding=encoding)
        engine = Engine(model.replace(neuron=neuron), precision="float64")
        with Backend(model, "pynn-nest") as backend:
            for first, size in ((0, 3), (3, 2), (5, 4), (9, 3)):
                batch = seen[first : first + size]
                theirs = backend(batch, seed=2, decisions=first, record="all")
                ours = engine.run(batch, seed=2, decisions=first, record="all")
                for index in (0, 1):
                    assert np.array_equal(theirs.spikes[index], ours.spikes[index])
                assert np.array_equal(theirs.actions, ours.actions)
