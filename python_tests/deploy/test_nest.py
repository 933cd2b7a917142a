from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_calls import call, table_rows
from deploy.policies_to_deploy import image_policy, thesis_dsqn, thesis_policy
from simulators import dense_model

from dsqn_fast.deploy.comparison import Comparison
from dsqn_fast.deploy.nest_setup import leak_of
from dsqn_fast.deploy.nest_target import MOST_SYNAPSES, NestTarget
from dsqn_fast.deploy.report import VerificationReport
from dsqn_fast.deploy.verify import verify
from dsqn_fast.model import Neuron
from dsqn_fast.model_io import load_policy


def same(report: VerificationReport) -> Comparison:
    """The comparison of a report in which no spike differs."""
    comparison = report.comparison
    assert comparison is not None, report.verdict.sentence
    assert report.verdict.word == "exact", report.verdict.sentence
    assert comparison.spike_mismatches == 0
    assert sum(layer.ours for layer in comparison.layers) > 100
    return comparison


@pytest.mark.parametrize("reset", ["subtraction", "zero"])
@pytest.mark.parametrize("n_steps", [100, 500])
@pytest.mark.usefixtures("nest")
def test_every_spike_and_every_bit_is_the_same(shared_data: Path, reset: Any, n_steps: int) -> None:
    model, seen = thesis_policy(shared_data, timing="nest", reset=reset, n_steps=n_steps)
    comparison = same(verify(model, "nest", observations=seen))
    assert comparison.decisions == 200
    assert comparison.potentials_differ == 0


@pytest.mark.usefixtures("nest")
def test_shipped_policies_run_as_they_are(policies: Path) -> None:
    for path in sorted(policies.glob("cartpole-*.npz")):
        model = load_policy(path)
        report = verify(model, "nest", decisions=50)
        assert same(report).largest_potential_difference < 1e-5
        assert report.as_shipped is not None
        assert report.as_shipped.equal == report.as_shipped.of == 50
        retimed = verify(model, "nest", decisions=50, options={"timing": "nest"})
        assert same(retimed).potentials_differ == 0
        assert "with timing 'nest', leak 0.9999999998835847" in retimed.compared


@pytest.mark.parametrize(
    "changes",
    [
        {"encoding": "poisson", "timing": "nest", "neuron": Neuron(reset="zero")},
        {"encoding": "equidistant", "timing": "instant"},
        {"timing": "nest", "neuron": Neuron(beta=0.9), "decoding": "count+potential"},
        {"timing": "instant", "neuron": Neuron(beta=0.95, reset="zero"), "decoding": "count"},
    ],
    ids=lambda changes: "-".join(str(changes.get(k, "")) for k in ("encoding", "timing")),
)
@pytest.mark.usefixtures("nest")
def test_encodings_leaks_and_decodings(shared_data: Path, changes: dict[str, Any]) -> None:
    model, seen = thesis_policy(shared_data, n_steps=40)
    same(verify(model.replace(**changes), "nest", observations=seen[:30]))


@pytest.mark.parametrize("encoding", ["constant", "poisson"])
@pytest.mark.usefixtures("nest")
def test_convolutions_and_pooling(encoding: Any) -> None:
    model, images = image_policy(encoding=encoding, timing="nest")
    same(verify(model, "nest", observations=images))


@pytest.mark.usefixtures("nest")
def test_two_output_neurons() -> None:
    weights = [np.eye(2) * 0.7, [[1.0, -0.5], [-0.3, 0.6]]]
    model = dense_model(weights, n_steps=200, decoding="count", two_output_neurons=True)
    same(verify(model, "nest", observations=np.array([[0.4, 0.9], [-0.2, 0.8]])))


@pytest.mark.usefixtures("nest")
def test_the_thesis_lost_decisions_by_its_set_up(shared_data: Path) -> None:
    model = thesis_dsqn(shared_data)
    ours = verify(model, "nest", decisions=100)
    same(ours)
    assert ours.as_shipped is not None
    assert ours.as_shipped.equal == 100
    thesis = verify(model, "nest", decisions=100, options={"mode": "thesis"})
    assert thesis.verdict.word == "approximate"
    assert thesis.as_shipped is not None
    assert thesis.as_shipped.equal < 80  # the thesis: 67.6 %


@pytest.mark.usefixtures("nest")
def test_the_stochastic_neuron_can_be_made_exact(shared_data: Path) -> None:
    model, seen = thesis_policy(shared_data, n_steps=50, timing="nest")
    exact = verify(model, "nest", observations=seen[:40], options={"neuron": "pp_exact"})
    assert same(exact).largest_potential_difference < 1e-11
    thesis = verify(model, "nest", observations=seen[:40], options={"neuron": "pp_psc_delta"})
    assert thesis.verdict.word == "approximate"
    first = thesis.comparison and thesis.comparison.first_difference
    assert first is not None
    assert (first.layer, first.theirs) == (1, 1)  # its threshold starts at 0


@pytest.mark.parametrize("beta", [1.0, 0.99, 0.95, 0.9, 0.75, 0.5, 1 / 3, 0.1])
def test_a_current_adds_exactly_itself(beta: float) -> None:
    leak = leak_of(beta)
    assert abs(leak.beta - beta) < 1e-9
    assert leak.beta == math.exp(-1 / leak.tau_m)
    assert (1 / leak.c_m) * (1 - leak.beta) * leak.tau_m == 1.0
    assert leak.tau_m / leak.c_m * (1 - leak.beta) == 1.0


@pytest.mark.parametrize(
    ("changes", "options", "words"),
    [
        ({"decoding": "first-spike"}, {}, "'first-spike' ends it before"),
        ({"neuron": Neuron(spikes="burst")}, {}, "binary spikes, not 'burst' ones"),
        ({"neuron": Neuron(spikes="signed")}, {}, "binary spikes, not 'signed' ones"),
        ({"neuron": Neuron(alpha=0.5)}, {}, "not with alpha = 0.5"),
        ({"timing": "spytorch", "neuron": Neuron(reset="zero")}, {}, "timing=nest"),
        ({}, {"neuron": "pp_exact"}, "pp_exact needs --option timing=nest"),
    ],
)
def test_what_nest_cannot_run(changes: dict[str, Any], options: dict[str, str], words: str) -> None:
    model = dense_model([np.eye(2), np.eye(2)], n_steps=5).replace(**changes)
    report = verify(model, "nest", observations=np.zeros((1, 2)), options=options)
    assert report.verdict.word == "unsupported"
    assert words in report.verdict.sentence


def test_too_many_synapses_are_refused() -> None:
    model = dense_model([np.eye(2), np.zeros((2, 1001)), np.zeros((1001, 2000))], n_steps=5)
    assert f"at most {MOST_SYNAPSES} are built" in str(NestTarget().unsupported(model))


@pytest.mark.usefixtures("nest")
def test_the_command(capsys: pytest.CaptureFixture[str], policies: Path, tmp_path: Path) -> None:
    words = ("verify", policies / "cartpole-dqn.npz", "--target", "nest", "--decisions", 5)
    rows = table_rows(call(capsys, *words, "-T", 9, "--option", "mode=thesis"))
    assert rows["target"].startswith("NEST 3.")
    assert rows["option mode"] == "thesis"
    assert "verdict" in rows
