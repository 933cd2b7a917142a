"""Runs of a target as files: how they get from its process to the one that asked."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from dsqn_fast.deploy.target import TargetRun


def write_run(run: TargetRun, path: Path) -> None:
    """Write the arrays of a run."""
    arrays: dict[str, Any] = {"potentials": run.potentials}
    arrays |= {f"counts{i}": counts for i, counts in enumerate(run.spike_counts)}
    arrays |= {f"spikes{i}": spikes for i, spikes in run.spikes.items()}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    path.write_bytes(buffer.getvalue())


def read_run(path: Path, *, seconds: float, notes: tuple[str, ...]) -> TargetRun:
    """The run whose arrays `write_run` wrote."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    counts = sorted((int(n.removeprefix("counts")), n) for n in arrays if n.startswith("counts"))
    return TargetRun(
        potentials=arrays["potentials"],
        spike_counts=tuple(arrays[name] for _, name in counts),
        spikes={int(n.removeprefix("spikes")): a for n, a in arrays.items() if n[:6] == "spikes"},
        seconds=seconds,
        notes=notes,
    )
