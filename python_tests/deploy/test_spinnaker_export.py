"""Export to SpiNNaker: its script, its pre-flight, and what is refused."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_calls import refused
from policy_models import small_model
from simulators import dense_model

import dsqn_fast as df
from dsqn_fast.deploy.export import export_policy
from dsqn_fast.deploy.spinnaker.copies import Copies
from dsqn_fast.deploy.spinnaker.export import count_cell_synapses
from dsqn_fast.deploy.spinnaker.layout import lay_out
from dsqn_fast.deploy.spinnaker.preflight import check_layout
from dsqn_fast.deploy.spinnaker.script_file import SCRIPT, arrays_file
from dsqn_fast.deploy.spinnaker.settings import SpinnakerSettings
from dsqn_fast.errors import OptionError, UnsupportedError
from dsqn_fast.model import Neuron

PLAIN = {"build": "no"}


def script() -> Any:
    spec = importlib.util.spec_from_file_location("exported", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_policy_is_written_whole(policies: Path, tmp_path: Path) -> None:
    model = df.load_policy(policies / "cartpole-dqn.npz")
    report = export_policy(model, "spinnaker", tmp_path / "net.py", options=PLAIN)
    assert [Path(file).name for file in report.files] == ["net.py", "net.npz"]
    assert any("nothing ran on a board" in note for note in report.notes)
    assert report.details["warnings"] == []
    assert any("population 2: shifts 0, 0 for sums of 0.999" in note for note in report.notes)
    options, populations = script().load(tmp_path / "net.npz")
    assert options["n_steps"] == 32
    assert len(populations) == 3
    assert all(np.isfinite(one["weight"]).all() for one in populations)
    assert 'WEIGHTS = "net.npz"' in (tmp_path / "net.py").read_text()


def test_cells_have_the_synapses_of_their_neurons(tmp_path: Path) -> None:
    model = dense_model([[[1.0, 2.0]], [[0.5], [-0.25]]], [[0.1, 0.2], [0.3]], n_steps=4)
    copies = Copies(cells=(np.array([2, 3]), np.array([1])), at_once=(1, 1))
    layout = lay_out(model, SpinnakerSettings(scale=1.0), copies=copies)
    path = tmp_path / "net.npz"
    path.write_bytes(arrays_file(layout, 4))
    options, (first, second) = script().load(path)
    assert options["once"] == [True, False]
    assert first["owner"].tolist() == [0, 0, 1, 1, 1]
    assert first["threshold"].tolist() == [1, 2, 1, 2, 3]
    np.testing.assert_allclose(first["bias"], [0.1, 0.1, 0.2, 0.2, 0.2])
    dense = np.zeros((5, 1))
    dense[second["source"], second["target"]] = second["weight"]
    assert dense[:, 0].tolist() == [0.5, 0.5, -0.25, -0.25, -0.25]
    assert len(second["weight"]) == count_cell_synapses(layout) == 5
    currents = script().constant_currents(first, np.array([2.0]))
    np.testing.assert_allclose(currents, [2.1, 2.1, 4.2, 4.2, 4.2])
    np.testing.assert_allclose(currents[[0, 2]], layout.currents(np.array([[2.0]]))[0])


def test_preflight_names_what_is_lost() -> None:
    model = dense_model([[[1.0]], [[1e-5, 1.0]]], n_steps=4)
    lost = check_layout(lay_out(model, SpinnakerSettings(scale=1.0)))
    assert lost.populations[1].underflow == 1
    assert "1 weights are too small" in lost.warnings[0]
    assert check_layout(lay_out(model, SpinnakerSettings())).warnings == ()
    big = check_layout(lay_out(model, SpinnakerSettings(scale=100.0)), np.array([[3.0]]))
    assert big.populations[0].overflow == 1
    assert "rescale with a smaller scale" in big.warnings[0]
    coarse = check_layout(lay_out(model, SpinnakerSettings(scale=0.005)))
    assert any("a weight step is" in sentence for sentence in coarse.warnings)


def test_true_sums_make_finer_weights_than_estimates() -> None:
    rng = np.random.default_rng(0)
    model = dense_model([np.eye(4), rng.normal(size=(4, 8)), rng.normal(size=(8, 2))], n_steps=4)
    errors = [
        check_layout(lay_out(model, SpinnakerSettings(sums=sums, scale=1.0)))
        .populations[2]
        .largest_weight_error
        for sums in ("true", "estimated")
    ]
    assert errors[0] < errors[1]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (small_model(neuron=Neuron(alpha=0.5)), "alpha = 0.5: use alpha = 0"),
        (small_model(neuron=Neuron(spikes="signed")), "no negative spikes"),
        (small_model(encoding="poisson"), "use encoding 'constant', or target spinnaker-emulated"),
        (small_model(decoding="first-spike"), "first-spike"),
    ],
)
def test_what_the_chip_cannot_run_is_refused(model: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=words):
        export_policy(model, "spinnaker", tmp_path / "net.py", options=PLAIN)
    assert list(tmp_path.iterdir()) == []


def test_bursts_need_copies(tmp_path: Path) -> None:
    model = small_model(neuron=Neuron(spikes="burst"))
    with pytest.raises(UnsupportedError, match="use reset copies"):
        export_policy(model, "spinnaker", tmp_path / "net.py", options={**PLAIN, "reset": "zero"})


def test_bad_options_are_one_sentence(
    policies: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = small_model()
    with pytest.raises(OptionError, match=r"must end in \.py, not 'net.txt'"):
        export_policy(model, "spinnaker", tmp_path / "net.txt", options=PLAIN)
    with pytest.raises(OptionError, match=r"has the options tau_m, .*, not 'taum'"):
        export_policy(model, "spinnaker", tmp_path / "net.py", options={"taum": "1"})
    policy = str(policies / "cartpole-dqn.npz")
    target = ["verify", policy, "--target", "spinnaker-emulated"]
    assert "tau_m must be from 1 to 32768" in refused(capsys, *target, "--option", "tau_m=1e6")
    assert "tau_m must be a finite number" in refused(capsys, *target, "--option", "tau_m=long")
