"""NIR graphs with neurons: of this package, and as other frameworks write them."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
from command_calls import call, refused, table_rows
from hypothesis import given, settings
from policy_models import small_model, version_1_model
from strategies import models_equal, spiking_models

import dsqn_fast as df
from dsqn_fast.deploy.nir_export import export_nir, nir_bytes
from dsqn_fast.errors import ModelFileError, OptionError, UnsupportedError, UnsupportedLayerError
from dsqn_fast.model import SpikingModel

RNG = np.random.default_rng(0)
DT = 1e-4


def array(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def save(folder: Path, shape: tuple[int, ...], **nodes: Any) -> Path:
    """Write a chain of nodes between an input and an output."""
    ends = {
        "input": nir.Input({"input": np.array(shape)}),
        **nodes,
        "output": nir.Output({"output": np.array([2])}),
    }
    edges = list(itertools.pairwise(ends))
    nir.write(folder / "net.nir", nir.NIRGraph(nodes=ends, edges=edges, type_check=False))
    return folder / "net.nir"


def fill(n: int, value: float) -> np.ndarray:
    return np.full(n, value)


# ---- Policies of this package ----------------------------------------------------------------


@settings(max_examples=8, deadline=None)
@given(model=spiking_models())
def test_any_policy_comes_back_the_same(
    model: SpikingModel, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("nir") / "policy.nir"
    try:
        data = nir_bytes(model)
    except UnsupportedError as error:
        assert "no empty arrays" in str(error)  # noqa: PT017 - some models have none
        return
    file.write_bytes(data)
    assert models_equal(df.load_nir(file), model)
    nir.read(file, type_check=False)


def test_real_policies_come_back_the_same(policies: Path, tmp_path: Path) -> None:
    for model in (df.load_policy(policies / "cartpole-dqn.npz"), version_1_model()):
        report = export_nir(model, tmp_path / "policy.nir", {})
        assert models_equal(df.load_nir(tmp_path / "policy.nir"), model)
        assert any(f"reset {model.neuron.reset!r}" in loss for loss in report.losses)
        assert any("source network" in loss for loss in report.losses)


def test_images_are_laid_out_as_nir_has_them(tmp_path: Path) -> None:
    export_nir(version_1_model(), tmp_path / "policy.nir", {})
    nodes = nir.read(tmp_path / "policy.nir").nodes
    model = version_1_model()
    conv, hidden = (model.layers[i].connection for i in (0, 3))  # type: ignore[union-attr]
    np.testing.assert_array_equal(nodes["layer0"].weight, conv.weight.transpose(3, 2, 0, 1))
    # (3 rows, 3 columns, 3 channels) here, (3 channels, 3 rows, 3 columns) there.
    theirs = nodes["layer3"].weight.reshape(4, 3, 3, 3)
    np.testing.assert_array_equal(theirs[:, 2, 0, 1], hidden.weight[0 * 9 + 1 * 3 + 2])
    assert nodes["layer0_neurons"].v_threshold.shape == (3, 6, 3)
    assert isinstance(nodes["layer4_neurons"], nir.CubaLIF | nir.CubaLI)


def test_run_takes_a_graph(
    policies: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy, graph = policies / "cartpole-dqn.npz", tmp_path / "policy.nir"
    shown = table_rows(call(capsys, "export", "nir", policy, "-o", graph))
    assert "written" in shown
    rows = [
        table_rows(call(capsys, "run", file, "--episodes", 3, "--max-episode-steps", 50))
        for file in (policy, graph)
    ]
    for name in ("mean return", "spikes per decision", "agreement with the source"):
        assert rows[0][name] == rows[1][name]


# ---- Graphs of others ------------------------------------------------------------------------


def simulate(
    x: np.ndarray, layers: list[tuple[Any, ...]], steps: int, reset: str
) -> list[np.ndarray]:
    """Spike counts of every layer: (weight, bias, beta, gain, threshold), layer by layer."""
    v = [np.zeros((len(x), len(layer[1]))) for layer in layers]
    counts = [np.zeros_like(one) for one in v]
    for _ in range(steps):
        value = x
        for index, (weight, bias, beta, gain, threshold) in enumerate(layers):
            v[index] = beta * v[index] + gain * (value @ weight.T + bias)
            value = (v[index] >= threshold).astype(float)
            v[index] = (
                v[index] - threshold * value if reset == "subtraction" else v[index] * (1 - value)
            )
            counts[index] += value
    return counts


W0, B0, W1, B1 = array(6, 4), array(6), array(2, 6), array(2)


@pytest.mark.parametrize(
    ("style", "beta", "gain", "reset"),
    [
        ("sinabs", 1.0, 1.0, "subtraction"),  # IF, r = 1
        ("spikingjelly", 1.0, 1.0, "zero"),  # IF, r = 1 / dt
        ("snntorch", 0.9, 1.0, "subtraction"),  # LIF, tau = dt / (1 - beta), r = tau / dt
        ("norse", 0.75, 0.25, "zero"),  # LIF of one value, r = 1
    ],
)
def test_graphs_of_other_frameworks(
    tmp_path: Path, style: str, beta: float, gain: float, reset: Any
) -> None:
    def neurons(n: int) -> Any:
        if style in ("sinabs", "spikingjelly"):
            return nir.IF(r=fill(n, 1.0 if style == "sinabs" else 1 / DT), v_threshold=fill(n, 1.0))
        tau, r = DT / (1 - beta), gain / (1 - beta)
        values = [np.array([one]) if style == "norse" else fill(n, one) for one in (tau, r, 0, 1)]
        return nir.LIF(*values)

    path = save(
        tmp_path,
        (4,),
        a=nir.Affine(weight=W0, bias=B0),
        b=neurons(6),
        c=nir.Affine(weight=W1, bias=B1),
        d=neurons(2),
    )
    model = df.load_nir(path, n_steps=20, reset=reset)
    assert (model.decoding, model.n_steps, model.neuron.reset) == ("count", 20, reset)
    assert model.neuron.beta == pytest.approx(beta)
    x = array(30, 4)
    result = df.Engine(model, precision="float64").run(x)
    wanted = simulate(
        x, [(W0, B0, beta, gain, 1.0), (W1, B1, beta, gain, 1.0)], steps=20, reset=reset
    )
    assert result.spike_counts[0].sum() > 50
    for found, counts in zip(result.spike_counts, wanted, strict=True):
        assert np.abs(found - counts).max() <= (0 if beta == 1.0 else 1)
    assert any("were assumed" in note for note in model.provenance["notes"])


def test_an_integrator_at_the_end_decodes_by_potential(tmp_path: Path) -> None:
    nodes = {
        "a": nir.Linear(weight=W0),
        "b": nir.IF(r=fill(6, 1.0), v_threshold=np.arange(1, 7) / 2.0),
        "c": nir.Linear(weight=W1),
    }
    open_end = df.load_nir(save(tmp_path, (4,), **nodes), n_steps=9, reset="subtraction")
    closed = save(tmp_path, (4,), **nodes, d=nir.I(r=fill(2, 1.0)))
    model = df.load_nir(closed, n_steps=9, reset="subtraction", env_id="CartPole-v1")
    assert model.decoding == open_end.decoding == "potential"
    assert model.env_id == "CartPole-v1"
    assert model.populations[0].threshold.tolist() == [0.5, 1, 1.5, 2, 2.5, 3]
    x = array(5, 4)
    ours, other = (df.Engine(one).run(x).outputs for one in (model, open_end))
    np.testing.assert_array_equal(ours, other)


def test_images_scales_and_currents_are_folded_in(tmp_path: Path) -> None:
    kernel = np.array([2, 2])
    path = save(
        tmp_path,
        (2, 8, 6),
        a=nir.Conv2d((8, 6), array(3, 2, 3, 3), 1, 1, 1, 1, array(3)),
        b=nir.CubaLIF(
            tau_syn=fill(144, 2 * DT).reshape(3, 8, 6),
            tau_mem=fill(144, 4 * DT).reshape(3, 8, 6),
            r=fill(144, 4.0).reshape(3, 8, 6),
            v_leak=np.zeros((3, 8, 6)),
            v_threshold=np.ones((3, 8, 6)) * np.array([1, 2, 3])[:, None, None],
            w_in=fill(144, 2.0).reshape(3, 8, 6),
        ),
        c=nir.SumPool2d(kernel, kernel, np.array([0, 0])),
        d=nir.Flatten({"input": np.array([3, 4, 3])}, 0),
        e=nir.Scale(scale=fill(36, 0.5)),
        f=nir.Linear(weight=array(2, 36)),
        g=nir.CubaLI(
            tau_syn=fill(2, 2 * DT), tau_mem=fill(2, 4 * DT), r=fill(2, 4.0), v_leak=fill(2, 0.0),
            w_in=fill(2, 2.0),
        ),
    )  # fmt: skip
    model = df.load_nir(path, n_steps=6)
    assert (model.neuron.alpha, model.neuron.beta) == (0.5, 0.75)
    assert model.populations[0].threshold.tolist() == [1, 2, 3]
    assert model.channels_first
    result = df.Engine(model).run(array(3, 2, 8, 6))
    assert result.spike_counts[0].sum() > 0
    node = nir.read(path, type_check=False).nodes
    ours = model.populations[1].connection.weight
    # Average of 4 pixels times 4 is their sum; row by row here, channel by channel there.
    theirs = (0.5 * 4 * node["f"].weight).reshape(2, 3, 4, 3)
    np.testing.assert_allclose(ours.reshape(4, 3, 3, 2)[1, 2, 0], theirs[:, 0, 1, 2], rtol=1e-6)


@pytest.mark.parametrize(
    ("changes", "options", "words"),
    [
        ({"b": nir.LIF(fill(6, 1e-5), fill(6, 1.0), fill(6, 0), fill(6, 1))}, {}, "give the dt"),
        ({"b": nir.LIF(fill(6, 1.0), fill(6, 1.0), fill(6, -65), fill(6, 1))}, {}, "v_leak = -65"),
        ({"b": nir.IF(fill(6, 1.0), fill(6, 1.0), fill(6, 0.5))}, {}, "v_reset = 0.5"),
        ({"b": nir.LIF(np.arange(1, 7.0), fill(6, 1.0), fill(6, 0), fill(6, 1))}, {}, "6 differ"),
        ({"d": nir.LIF(fill(2, 1.0), fill(2, 1.0), fill(2, 0), fill(2, 1))}, {}, "decay differ"),
        ({"b": nir.I(r=fill(6, 1.0))}, {}, r"b \(I\) does not spike"),
        ({"b": nir.Threshold(threshold=fill(6, 1.0))}, {}, r"b \(Threshold\)"),
    ],
)
def test_what_cannot_be_simulated_is_refused(
    tmp_path: Path, changes: dict[str, Any], options: dict[str, Any], words: str
) -> None:
    nodes = {
        "a": nir.Linear(weight=W0),
        "b": nir.IF(r=fill(6, 1.0), v_threshold=fill(6, 1.0)),
        "c": nir.Linear(weight=W1),
        "d": nir.IF(r=fill(2, 1.0), v_threshold=fill(2, 1.0)),
    }
    with pytest.raises(UnsupportedLayerError, match=words):
        df.load_nir(save(tmp_path, (4,), **(nodes | changes)), **options)


def test_two_populations_in_a_row_have_an_identity_between_them(tmp_path: Path) -> None:
    neurons = nir.IF(r=fill(6, 1.0), v_threshold=fill(6, 1.0))
    model = df.load_nir(save(tmp_path, (4,), a=nir.Linear(weight=W0), b=neurons, c=neurons))
    np.testing.assert_array_equal(model.populations[1].connection.weight, np.eye(6))
    counts = df.Engine(model).run(array(5, 4)).spike_counts
    np.testing.assert_array_equal(*counts)


def test_bad_files_and_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = save(tmp_path, (4,), a=nir.Linear(weight=W0))
    with pytest.raises(ModelFileError, match="has no neurons: convert it first"):
        df.load_nir(plain)
    assert "has no neurons" in refused(capsys, "run", plain)
    with pytest.raises(OptionError, match="dt must be above 0"):
        df.load_nir(plain, dt=-1)
    with pytest.raises(OptionError, match="reset must be one of"):
        df.load_nir(plain, reset="none")  # type: ignore[arg-type]
    own = tmp_path / "own.nir"
    export_nir(small_model(), own, {})
    with pytest.raises(OptionError, match="leave out reset and dt"):
        df.load_nir(own, reset="zero")
    with pytest.raises(OptionError, match=r"must end in \.nir, not 'a\.txt'"):
        export_nir(small_model(), tmp_path / "a.txt", {})
    with pytest.raises(OptionError, match="exporter nir has no options"):
        export_nir(small_model(), tmp_path / "a.nir", {"dt": "1"})
    assert df.load_nir(own, n_steps=3).n_steps == 3
    graph = nir.read(own)
    for header, words in (("{}", "its format must be"), ("[", "not JSON")):
        graph.metadata["dsqn_fast"] = header
        nir.write(own, graph)
        with pytest.raises(ModelFileError, match=words):
            df.load_nir(own)
