"""A NIR file as a target: in the engine, and in SpikingJelly where it is installed."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from deploy.conftest import needs
from policy_models import version_1_model
from simulators import dense_model

import dsqn_fast as df
from dsqn_fast.deploy.interpreters import interpreter
from dsqn_fast.deploy.verify import verify
from dsqn_fast.model import Neuron

SEEN = np.random.default_rng(0).normal(size=(30, 4)) * [1.0, 1.0, 0.1, 1.0]


@pytest.mark.parametrize("timing", ["instant", "nest", "spytorch"])
def test_a_round_trip_is_exact(policies: Path, timing: str) -> None:
    model = df.load_policy(policies / "cartpole-dqn.npz").replace(timing=timing)
    report = verify(model, "nir", observations=SEEN)
    assert report.verdict.word == "exact"
    assert report.comparison is not None
    assert report.comparison.potentials_differ == 0


def spikingjelly() -> None:
    """Skip where it is not installed."""
    needs("nir")
    find = "import importlib.metadata as m; m.version('spikingjelly')"
    command = [interpreter("nir"), "-c", find]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("SpikingJelly is not installed")


@pytest.mark.slow
@pytest.mark.parametrize(("reset", "decoding"), [("subtraction", "potential"), ("zero", "count")])
def test_spikingjelly_runs_it_spike_for_spike(policies: Path, reset: str, decoding: str) -> None:
    spikingjelly()
    model = df.load_policy(policies / "cartpole-dqn.npz")
    model = model.replace(neuron=Neuron(reset=reset), decoding=decoding)  # type: ignore[arg-type]
    report = verify(model, "nir", observations=SEEN, options={"framework": "spikingjelly"})
    assert report.verdict.word == "exact"
    assert report.comparison is not None
    assert sum(layer.theirs for layer in report.comparison.layers) > 1000
    assert report.comparison.largest_potential_difference < 1e-4


@pytest.mark.slow
def test_spikingjelly_runs_convolutions() -> None:
    spikingjelly()
    model = version_1_model()
    first = replace(model.layers[0], threshold=np.ones((), np.float32))
    model = model.replace(
        layers=(first, *model.layers[1:]),
        neuron=Neuron(),
        timing="instant",
        encoding="constant",
        early_exit=None,
        source=None,
    )
    seen = np.random.default_rng(0).uniform(size=(20, 2, 5, 7))
    report = verify(model, "nir", observations=seen, options={"framework": "spikingjelly"})
    assert report.verdict.word == "exact"
    assert report.comparison is not None
    assert sum(layer.theirs for layer in report.comparison.layers) > 10_000


def test_spikingjelly_is_not_asked_for_what_it_lacks() -> None:
    weights = [[[0.5, -0.25]], np.eye(2)]
    options = {"framework": "spikingjelly"}
    for model, words in (
        (dense_model(weights, neuron=Neuron(spikes="burst")), "binary spikes, not 'burst'"),
        (dense_model(weights, neuron=Neuron(beta=0.5)), "beta = 0.5"),
        (dense_model(weights, thresholds=[[1.0, 2.0], 1.0]), "population 1 has 2"),
    ):
        report = verify(model, "nir", observations=np.zeros((1, 1)), options=options)
        assert report.verdict.word == "unsupported"
        assert words in report.verdict.sentence
