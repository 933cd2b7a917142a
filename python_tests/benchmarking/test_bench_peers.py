from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarking.bench_networks import dense_model, image_model

from dsqn_fast.benchmarking.agreement import expected_potentials
from dsqn_fast.benchmarking.interpreters import interpreter
from dsqn_fast.benchmarking.nets import BenchmarkNet
from dsqn_fast.benchmarking.peers.catalogue import PEERS, make_peer
from dsqn_fast.benchmarking.peers.folded import plain_layers
from dsqn_fast.benchmarking.peers.peer import Peer
from dsqn_fast.benchmarking.team import Member
from dsqn_fast.errors import OptionError, UnsupportedError
from dsqn_fast.model import AveragePool2d, Neuron
from dsqn_fast.model_io import save_policy

NOT_EXACT = {"engine-fixed": 0.5, "nest": 1e-5, "relu-torch": 1e-4, "relu-onnxruntime": 1e-4}
"""Largest difference of peers that round or leak; all others are exact on dyadic weights."""
NETS = {
    "dense": dense_model(),
    "image": image_model(),
    "image without padding": image_model(padding=0),
}


@pytest.fixture(scope="module", params=[pytest.param(name) for name in PEERS])
def member(request: pytest.FixtureRequest) -> object:
    member = Member(request.param, interpreter(request.param))
    member.greet()
    yield member
    member.close()


@pytest.mark.slow
@pytest.mark.parametrize("net", NETS)
def test_peer_gives_the_potentials_of_its_convention(
    member: Member, net: str, tmp_path: Path
) -> None:
    if member.missing is not None:
        pytest.skip(member.missing)
    if member.name == "torch-compile" and net != "image":
        pytest.skip("compiles for too long to do it for every network")
    model, observations = NETS[net]
    save_policy(model, tmp_path / "net.npz")
    np.save(tmp_path / "observations.npy", observations)
    for batch in (1, len(observations)) if member.name != "torch-compile" else (2,):
        reply = member.ask(
            "prepare",
            model=str(tmp_path / "net.npz"),
            observations=str(tmp_path / "observations.npy"),
            batch=batch,
            n_steps=20,
        )
        if "unsupported" in reply:
            assert net != "dense"
            pytest.skip(reply["unsupported"])
        expected, words = expected_potentials(
            BenchmarkNet(net, model, observations, "seeded"), member.name, batch, 20
        )
        assert words
        # Twice: what one decision leaves behind must not reach the next.
        for _ in range(2):
            found = member.potentials()
            np.testing.assert_allclose(
                found, expected, rtol=0, atol=NOT_EXACT.get(member.name, 0.0)
            )


def test_a_peer_that_is_not_installed_says_so() -> None:
    class Absent(Peer):
        modules = ("no_such_simulator",)

        def prepare(self, *_: object) -> None: ...

        def decide(self, observations: np.ndarray) -> np.ndarray:
            return observations

    assert Absent().available() == "no_such_simulator is not installed"


def test_a_peer_that_breaks_on_import_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_simulator.py").write_text("raise RuntimeError('needs another numpy')\n")
    monkeypatch.syspath_prepend(tmp_path)
    kind = type("Broken", (type(make_peer("numpy")),), {"modules": ("broken_simulator",)})
    assert kind().available() == (
        "broken_simulator cannot be imported: RuntimeError: needs another numpy"
    )


def test_every_peer_says_what_it_is() -> None:
    titles = [make_peer(name).title for name in PEERS]
    assert len(set(titles)) == len(titles)
    with pytest.raises(OptionError, match="did you mean 'numpy'"):
        make_peer("nunpy")


def test_models_that_peers_cannot_run_are_refused() -> None:
    model, _ = dense_model()
    image, _ = image_model()
    pooled = image.replace(
        layers=(AveragePool2d(kernel=(1, 1), stride=(1, 1)), *image.layers), source=None
    )
    for changed in (
        model.replace(neuron=Neuron(beta=0.5)),
        model.replace(timing="nest"),
        model.replace(encoding="poisson"),
        pooled,
    ):
        with pytest.raises(UnsupportedError):
            plain_layers(changed)


def test_outputs_keep_their_units() -> None:
    model, _ = dense_model()
    last = plain_layers(model)[-1]
    np.testing.assert_array_equal(last.weight, model.populations[-1].connection.weight)
