"""sPyNNaker's tool chain on a virtual board: does it hold what the layout says?"""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.deploy.interpreters import interpreter
from dsqn_fast.deploy.spinnaker.arithmetic import to_fixed
from dsqn_fast.deploy.spinnaker.layout import ChipPopulation, ChipSynapses, Layout
from dsqn_fast.deploy.spinnaker.script_file import (
    INSPECTION,
    arrays_file,
    cells_of,
    script_text,
)
from dsqn_fast.deploy.versions import Supported
from dsqn_fast.errors import MissingTargetError, TargetError

SPYNNAKER: Final = Supported(distribution="sPyNNaker", lowest="1!7.4.1", below="1!8")
TARGET: Final = "spinnaker"
"""Name of the folder of its own environment (`interpreters`)."""
SECONDS: Final = 600.0
PARAMETERS: Final = ("v", "v_rest", "cm", "tau_m", "i_offset", "v_reset", "tau_refrac")
THRESHOLD: Final = 9


@dataclass(frozen=True, kw_only=True)
class BuiltPopulation:
    """One population as the tool chain built it.

    Attributes:
        label: Its name.
        cores: x, y, p of every core, with the first cell and the number of cells on it.
        shifts: Of excitatory and inhibitory synapses.
        shifts_differ: How many of the shifts are not those of the layout.
        synapses: Synapses in memory.
        weights_differ: Synapses whose 16-bit weight is not that of the layout, or that only one
            of both has.
        parameters_differ: Parameters of cells that are not those of the layout.
    """

    label: str
    cores: tuple[dict[str, int], ...]
    shifts: tuple[int, ...]
    shifts_differ: int
    synapses: int
    weights_differ: int
    parameters_differ: int


@dataclass(frozen=True, kw_only=True)
class BuildReport:
    """A network as the tool chain built it for a virtual board.

    Attributes:
        populations: First to last.
        routes: Router entries: x, y, key, mask, route.
    """

    populations: tuple[BuiltPopulation, ...]
    routes: tuple[tuple[int, ...], ...]

    @property
    def differences(self) -> int:
        """Weights, shifts and parameters that are not those of the layout."""
        return sum(
            one.weights_differ + one.shifts_differ + one.parameters_differ
            for one in self.populations
        )

    @property
    def sentence(self) -> str:
        """The report in words."""
        cores = sum(len(one.cores) for one in self.populations)
        synapses = sum(one.synapses for one in self.populations)
        weights = sum(one.weights_differ for one in self.populations)
        return (
            f"sPyNNaker built it for a virtual board: {cores} cores, {len(self.routes)} router "
            f"entries, {synapses} synapses; {weights} of their 16-bit weights and "
            f"{self.differences - weights} shifts and parameters differ from the emulator's"
        )


def build(layout: Layout, *, n_steps: int, python: str | None = None) -> BuildReport:
    """Run the tool chain in a process of its own, up to what would be loaded onto a board.

    Args:
        layout: The policy.
        n_steps: T.
        python: The Python that has sPyNNaker; None looks for an environment of its own, else
            takes this one.

    Raises:
        MissingTargetError: That Python has no sPyNNaker.
        TargetError: The tool chain failed.
    """
    program = interpreter(TARGET, python)
    with tempfile.TemporaryDirectory(prefix="dsqn-fast-") as folder:
        home = Path(folder)
        (home / "network.py").write_text(script_text("network.npz"), encoding="utf-8")
        (home / "network.npz").write_bytes(arrays_file(layout, n_steps))
        _run([program, str(INSPECTION), "network.py", "network.npz", "result.npz"], home)
        with np.load(home / "result.npz", allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    report = json.loads(arrays["report"].tobytes())
    populations, before = [], np.zeros(0, np.int64)
    for index, chip in enumerate(layout.populations):
        found = {name: arrays[f"{name}{index}"] for name in ("synapses", "parameters")}
        populations.append(_compared(report["populations"][index], chip, layout, before, **found))
        before = cells_of(chip)[0]
    return BuildReport(
        populations=tuple(populations), routes=tuple(tuple(route) for route in report["routes"])
    )


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TargetError(f"sPyNNaker did not come to an end within {SECONDS:.0f} s") from None
    if done.returncode == 0 and (folder / "result.npz").is_file():
        return
    kinds = ("Error", "Exception")
    raised = [line for line in done.stderr.splitlines() if line.split(":")[0].endswith(kinds)]
    last = raised[-1] if raised else f"exit status {done.returncode}"
    if last.startswith("ModuleNotFoundError"):
        raise MissingTargetError(
            f"{command[0]} has no sPyNNaker ({last}): pip install {SPYNNAKER.requirement!r}"
        )
    raise TargetError(f"sPyNNaker failed: {last}")


def _compared(
    words: dict[str, Any],
    chip: ChipPopulation,
    layout: Layout,
    before: NDArray[np.int64],
    *,
    synapses: NDArray[np.int64],
    parameters: NDArray[np.int64],
) -> BuiltPopulation:
    wanted = [one.shift for one in chip.synapse_types] or [0, 0]
    return BuiltPopulation(
        label=words["label"],
        cores=tuple(words["cores"]),
        shifts=tuple(words["shifts"]),
        shifts_differ=sum(a != b for a, b in zip(words["shifts"], wanted, strict=True)),
        synapses=len(synapses),
        weights_differ=_weights_differ(chip, before, synapses),
        parameters_differ=_parameters_differ(chip, layout, parameters),
    )


def _weights_differ(
    chip: ChipPopulation, before: NDArray[np.int64], found: NDArray[np.int64]
) -> int:
    """Synapses that the tool chain and the layout do not have alike."""
    owner, differing = cells_of(chip)[0], 0
    for kind, synapses in enumerate(chip.synapse_types):
        held = _with_gaps(synapses)[before][:, owner]
        there = np.full(held.shape, -1, np.int64)
        rows = found[found[:, 2] == kind]
        there[rows[:, 1], rows[:, 3]] = rows[:, 5]
        differing += int((there != held).sum()) + int((rows[:, 4] != 1).sum())
    return differing


def _with_gaps(synapses: ChipSynapses) -> NDArray[np.int64]:
    """16-bit weights (n_source, n); -1 where there is no synapse."""
    table = np.full(synapses.held.shape, -1, np.int64)
    places = synapses.held.tocoo()
    table[places.row, places.col] = places.data.astype(np.int64)
    return table


def _parameters_differ(chip: ChipPopulation, layout: Layout, found: NDArray[np.int64]) -> int:
    """Parameters of cells that are not the layout's; currents of observations are left out."""
    owner, number = cells_of(chip)
    settings = layout.settings
    columns = {
        "v": chip.v_init[owner],
        "v_rest": 0.0,
        "cm": settings.capacitance,
        "tau_m": settings.tau_m,
        "v_reset": 0.0,
    }
    if chip.synapse_types:
        columns["i_offset"] = chip.bias[owner]
    differing = int((found[:, THRESHOLD] != to_fixed(chip.threshold[owner] * number)).sum())
    for name, values in columns.items():
        differing += int((found[:, PARAMETERS.index(name)] != to_fixed(values)).sum())
    return differing
