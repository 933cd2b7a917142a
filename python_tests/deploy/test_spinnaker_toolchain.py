"""sPyNNaker itself: its tool chain on a virtual board, and its program for the chip."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from chip_program import ChipProgram

import dsqn_fast as df
from dsqn_fast.deploy.export import export_policy
from dsqn_fast.deploy.interpreters import interpreter
from dsqn_fast.deploy.spinnaker import arithmetic as chip
from dsqn_fast.deploy.spinnaker.copies import Copies
from dsqn_fast.deploy.spinnaker.layout import Layout, lay_out
from dsqn_fast.deploy.spinnaker.settings import SpinnakerSettings
from dsqn_fast.deploy.spinnaker.toolchain import build
from dsqn_fast.errors import MissingTargetError


@pytest.fixture(scope="module")
def spynnaker() -> str:
    """The Python that has sPyNNaker; tests skip without one, or fail where it is required."""
    program = interpreter("spinnaker")
    find = "import importlib.metadata as m; m.version('sPyNNaker')"
    if subprocess.run([program, "-c", find], capture_output=True, check=False).returncode:
        required = os.environ.get("DSQN_FAST_REQUIRED_TARGETS", "").split(",")
        (pytest.fail if "spinnaker" in required else pytest.skip)("sPyNNaker is not installed")
    return program


@pytest.fixture(scope="module")
def program() -> ChipProgram:
    return ChipProgram()


def test_exponentials_are_those_of_the_program(program: ChipProgram) -> None:
    for x in (*range(2000), *np.random.default_rng(0).integers(0, 400_000, 3000).tolist()):
        assert program.exponential(-x) == chip.exponential(-x), x


def test_updates_are_those_of_the_program(program: ChipProgram) -> None:
    rng = np.random.default_rng(1)
    cases = [(100 * 2**15, 32442), (2**14 * 2**15, 32766), (2**31 - 1, 12054), (5, 0)]
    for _ in range(5000):
        r, e_tc = cases[rng.integers(len(cases))]
        bits = int(rng.integers(8, 32))
        v, exc, inh, offset = (int(x) for x in rng.integers(-(2**bits // 2), 2**bits // 2, 4))
        current = chip.wrapped(np.array([exc - inh + offset]))
        wanted = chip.update(np.array([v]), current, r, e_tc)[0]
        assert program.update(v, exc, inh, offset, r, e_tc) == wanted


def layouts(policies: Path) -> dict[str, Layout]:
    """The policy with every choice that the tool chain sees."""
    model = df.load_policy(policies / "cartpole-dqn.npz")
    cells = Copies(
        cells=(np.arange(10, 26), np.arange(30, 14, -1), np.ones(2, int)), at_once=(2,) * 3
    )
    thesis = SpinnakerSettings(tau_m=100.0, cm=1.0, scale=1.0, sums="estimated")
    return {
        "estimated": lay_out(model, thesis),
        "copies": lay_out(model, SpinnakerSettings(reset="copies"), copies=cells),
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "shifts", "synapses"),
    [
        # Shifts of 4 and 3: largest weight times number of synapses. The true sums need none.
        ("estimated", [(0, 0), (4, 4), (3, 3)], [0, 256, 32]),
        ("copies", [(0, 0), (0, 0), (0, 0)], [0, 280 * 360, 360 * 2]),
    ],
)
def test_the_tool_chain_holds_what_the_layout_says(
    policies: Path, spynnaker: str, name: str, shifts: list[tuple[int, int]], synapses: list[int]
) -> None:
    layout = layouts(policies)[name]
    report = build(layout, n_steps=32, python=spynnaker)
    assert [one.shifts for one in report.populations] == shifts
    assert [one.synapses for one in report.populations] == synapses
    assert [one.weights_differ for one in report.populations] == [0, 0, 0]
    assert report.differences == 0
    cores = [(core["x"], core["y"], core["p"]) for one in report.populations for core in one.cores]
    assert len(set(cores)) == len(cores) >= 3
    assert [sum(core["cells"] for core in one.cores) for one in report.populations] == [
        one.n_cells for one in layout.populations
    ]
    # Both hidden populations send spikes: their keys are routed.
    assert len({(key, mask) for _, _, key, mask, _ in report.routes}) == 2
    assert all(route for *_, route in report.routes)


@pytest.mark.slow
def test_the_exported_script_runs_alone(policies: Path, spynnaker: str, tmp_path: Path) -> None:
    model = df.load_policy(policies / "cartpole-dqn.npz")
    options = {"build": "no", "reset": "zero"}
    export_policy(model, "spinnaker", tmp_path / "net.py", options=options)
    command = [spynnaker, "-P", "net.py", "0.1,0,0,0.2", "--json", "out.json"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "nothing was simulated" in done.stderr
    assert json.loads((tmp_path / "out.json").read_text()) == {"board": None, "decisions": [None]}


def test_no_spynnaker_is_one_sentence(policies: Path, tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text("#!/bin/sh\necho \"ModuleNotFoundError: No module named 'pyNN'\" >&2\nexit 1\n")
    bare.chmod(0o755)
    layout = layouts(policies)["estimated"]
    with pytest.raises(MissingTargetError, match=r"has no sPyNNaker .*: pip install"):
        build(layout, n_steps=32, python=str(bare))
