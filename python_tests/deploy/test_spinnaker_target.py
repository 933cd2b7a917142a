"""SpiNNaker's emulation as a target of verification and play."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command_calls import call, table_rows

import dsqn_fast as df
from dsqn_fast.deploy.verify import verify


@pytest.mark.parametrize(
    ("options", "words"),
    [({}, "reset by subtraction, beta = 1"), ({"reset": "zero"}, "reset to zero, beta = 1")],
)
def test_a_trained_policy_keeps_its_actions(
    policies: Path, options: dict[str, str], words: str
) -> None:
    model = df.load_policy(policies / "cartpole-dqn.npz")
    report = verify(model, "spinnaker-emulated", decisions=60, options=options)
    assert report.verdict.word in ("faithful", "approximate")
    assert report.emulated
    assert words in report.compared
    assert any("not measured on a board" in note for note in report.notes)
    assert report.comparison is not None
    assert report.comparison.equal_actions >= 58
    spikes = sum(layer.ours for layer in report.comparison.layers)
    assert report.comparison.spike_mismatches < 0.12 * spikes


def test_a_leak_is_compared_with_a_leak(policies: Path) -> None:
    model = df.load_policy(policies / "cartpole-dqn.npz")
    options = {"tau_m": "20", "reset": "zero"}
    report = verify(model, "spinnaker-emulated", decisions=30, options=options)
    assert "beta = 0.951233" in report.compared  # 31170 / 2**15
    assert report.comparison is not None
    assert report.comparison.equal_actions >= 28


def test_signed_spikes_are_unsupported(policies: Path) -> None:
    model = df.load_policy(policies / "cartpole-dqn.npz")
    signed = model.replace(neuron=df.Neuron(spikes="signed"))
    report = verify(signed, "spinnaker-emulated", observations=np.zeros((1, 4)))
    assert report.verdict.word == "unsupported"


def test_episodes_are_played_there(policies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", str(policies / "cartpole-dqn.npz"), "--backend", "spinnaker-emulated"]
    shown = table_rows(call(capsys, *words, "--episodes", 2, "-T", 16, "--max-episode-steps", 40))
    assert "emulated" in shown["played on"]
    assert shown["mean return"] == "40.00"
