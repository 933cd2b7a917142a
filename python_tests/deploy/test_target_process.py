from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from simulators import dense_model

from dsqn_fast.deploy.backend import Backend
from dsqn_fast.deploy.interpreters import interpreter
from dsqn_fast.deploy.versions import Supported, _ordered
from dsqn_fast.encodings import encode
from dsqn_fast.engine import Engine
from dsqn_fast.errors import (
    MissingTargetError,
    ObservationError,
    OptionError,
    TargetError,
    UnsupportedError,
)

MODEL = dense_model([[[0.5, -0.25]], [[1.0, 0.5], [0.25, 1.0]]], n_steps=12)
SEEN = np.array([[0.3], [-1.2], [2.0]])


@pytest.mark.parametrize("encoding", ["constant", "poisson", "equidistant"])
@pytest.mark.parametrize("decoding", ["potential", "count", "count+potential"])
def test_a_target_gives_the_results_of_the_engine(encoding: str, decoding: str) -> None:
    model = MODEL.replace(encoding=encoding, decoding=decoding)
    ours = Engine(model, precision="float64").run(SEEN, seed=5, decisions=3, record="all")
    with Backend(model, "reference") as backend:
        theirs = backend(SEEN, seed=5, decisions=3, record="all")
    for name in ("actions", "outputs", "q_values", "total_spikes", "input_spikes"):
        assert np.array_equal(getattr(theirs, name), getattr(ours, name)), name
    assert np.array_equal(theirs.synaptic_operations, ours.synaptic_operations)
    assert np.array_equal(theirs.steps_used, ours.steps_used)
    for index, spikes in ours.spikes.items():
        assert np.array_equal(theirs.spikes[index], spikes)
        assert np.array_equal(theirs.spike_counts[index], ours.spike_counts[index])


def test_two_output_neurons_are_written_out() -> None:
    model = MODEL.replace(decoding="count", two_output_neurons=True)
    ours = Engine(model, precision="float64").run(SEEN)
    with Backend(model, "reference") as backend:
        theirs = backend(SEEN)
    assert np.array_equal(theirs.outputs, ours.outputs)
    assert np.array_equal(theirs.actions, ours.actions)


def test_input_spikes_are_those_of_the_encoder() -> None:
    model = MODEL.replace(encoding="poisson")
    spikes = encode("poisson", SEEN, 12, seed=1, decisions=np.arange(3, dtype=np.uint64))
    with Backend(model, "reference") as backend:
        result = backend(SEEN, seed=1)
    assert np.array_equal(result.input_spikes, np.abs(spikes).sum(axis=(1, 2)))


def test_what_a_target_cannot_run_is_said_before_it_starts() -> None:
    with pytest.raises(UnsupportedError, match="'first-spike' ends it before"):
        Backend(MODEL.replace(decoding="first-spike"), "reference")


def test_wrong_arguments() -> None:
    with pytest.raises(OptionError, match=r"one of .*, not 'refrence'.*'reference'"):
        Backend(MODEL, "refrence")
    with pytest.raises(OptionError, match="has the options none, not 'speed'"):
        Backend(MODEL, "reference", options={"speed": 1})
    with pytest.raises(OptionError, match="'/no/python' is no program"):
        Backend(MODEL, "reference", python="/no/python")
    with Backend(MODEL, "reference") as backend:
        with pytest.raises(OptionError, match="n_steps must be 12, as built, not 13"):
            backend(SEEN, n_steps=13)
        with pytest.raises(ObservationError, match="finite"):
            backend(SEEN * np.nan)


def test_a_program_that_is_no_python_is_one_sentence(tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho out of order >&2\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(TargetError, match="status 3: out of order"):
        Backend(MODEL, "reference", python=str(program))


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        ("Crashing", TargetError, "target 'broken' failed: its process ended with status -6"),
        ("Old", MissingTargetError, r"numpy \S+ is installed, but 99 or later, below 100, is"),
        ("Absent", MissingTargetError, "no-such-package is not installed: pip install 'no-such"),
    ],
)
def test_what_goes_wrong_there_is_an_error_here(
    register: Callable[[str], str], kind: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words), Backend(MODEL, register(kind)) as backend:
        backend(SEEN)


def test_the_own_environment_of_a_target_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSQN_FAST_TARGETS", str(tmp_path))
    assert interpreter("nest") == sys.executable
    own = tmp_path / "nest" / "bin" / "python"
    own.parent.mkdir(parents=True)
    own.symlink_to(sys.executable)
    assert interpreter("nest") == str(own)
    assert interpreter("nest", sys.executable) == sys.executable


@pytest.mark.parametrize(
    ("lower", "higher"), [("3.9", "3.10"), ("3.10.1", "4"), ("7.4.1", "1!7.4.1"), ("3", "3.0.1")]
)
def test_versions_are_ordered(lower: str, higher: str) -> None:
    assert _ordered(lower) < _ordered(higher)
    assert _ordered("3.10.0rc1") == _ordered("3.10")


def test_a_supported_version_has_no_problem() -> None:
    supported = Supported(distribution="numpy", lowest="1.26", below="3")
    assert supported.problem() is None
    assert supported.found() == np.__version__
