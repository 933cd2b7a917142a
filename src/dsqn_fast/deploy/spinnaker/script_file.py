"""The arrays that the exported script reads."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any, Final

import numpy as np

from dsqn_fast.deploy.spinnaker.layout import ChipPopulation, Layout
from dsqn_fast.deploy.synapses import Synapses, population_synapses

SCRIPT: Final = Path(__file__).with_name("network_script.py")
INSPECTION: Final = Path(__file__).with_name("inspection.py")


def script_text(weights: str) -> str:
    """The script, reading its arrays from the file ``weights`` beside it."""
    return SCRIPT.read_text(encoding="utf-8").replace(
        'WEIGHTS = "policy.npz"', f"WEIGHTS = {json.dumps(weights)}"
    )


def arrays_file(layout: Layout, n_steps: int) -> bytes:
    """Everything that the script needs, cell by cell, as a ``.npz`` file."""
    arrays: dict[str, Any] = {"options": _json(_options(layout, n_steps))}
    owner_before = np.arange(math.prod(layout.model.input_shape))
    parts = zip(layout.populations, population_synapses(layout.model), strict=True)
    for index, (chip, synapses) in enumerate(parts):
        owner, number = cells_of(chip)
        arrays |= {
            f"owner{index}": owner,
            f"threshold{index}": chip.threshold[owner] * number,
            f"v_init{index}": chip.v_init[owner],
            f"scale{index}": chip.scale[owner],
            f"bias{index}": _bias(layout, index)[owner],
        }
        arrays |= {
            f"{name}{index}": array
            for name, array in _cell_synapses(chip, synapses, owner_before, owner).items()
        }
        owner_before = owner
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def cells_of(chip: ChipPopulation) -> tuple[np.ndarray, np.ndarray]:
    """Neuron of every cell, and its number among that neuron's cells, from 1."""
    if chip.cells is None:
        return np.arange(chip.n_neurons), np.ones(chip.n_neurons, np.int64)
    owner = np.repeat(np.arange(chip.n_neurons), chip.cells)
    return owner, np.arange(len(owner)) - np.searchsorted(owner, owner) + 1


def _options(layout: Layout, n_steps: int) -> dict[str, Any]:
    model, settings = layout.model, layout.settings
    output = model.populations[-1].threshold.astype(np.float64)
    return {
        "populations": len(layout.populations),
        "inputs": math.prod(model.input_shape),
        "n_steps": n_steps,
        "decoding": model.decoding,
        "two_output_neurons": model.two_output_neurons,
        "output_threshold": np.broadcast_to(output, model.shapes()[-1]).ravel().tolist(),
        "tau_m": settings.tau_m,
        "cm": settings.capacitance,
        "once": [chip.cells is not None for chip in layout.populations],
        "sums": [
            [one.sums for one in chip.synapse_types] or None if settings.sums == "true" else None
            for chip in layout.populations
        ],
        "env_id": model.env_id,
    }


def _bias(layout: Layout, index: int) -> np.ndarray:
    chip = layout.populations[index]
    if index:
        return chip.bias
    bias = layout.model.populations[0].connection.bias.astype(np.float64)
    return np.tile(bias, chip.n_neurons // len(bias)) * (chip.scale / chip.gain)


def _cell_synapses(
    chip: ChipPopulation, synapses: Synapses, before: np.ndarray, owner: np.ndarray
) -> dict[str, np.ndarray]:
    """Synapses from every cell of the source neuron to every cell of the target neuron."""
    kept = synapses.weight != 0
    source, target = synapses.source[kept], synapses.target[kept]
    weight = synapses.weight[kept] * (chip.scale / chip.gain)[target]
    n_before = np.bincount(before, minlength=int(before[-1]) + 1)
    n_after = np.bincount(owner, minlength=chip.n_neurons)
    starts = [np.concatenate([[0], np.cumsum(counts)[:-1]]) for counts in (n_before, n_after)]
    pairs = n_before[source] * n_after[target]
    which = np.repeat(np.arange(len(source)), pairs)
    place = np.arange(len(which)) - np.repeat(np.cumsum(pairs) - pairs, pairs)
    width = n_after[target][which]
    return {
        "source": starts[0][source][which] + place // width,
        "target": starts[1][target][which] + place % width,
        "weight": weight[which],
    }


def _json(values: dict[str, Any]) -> np.ndarray:
    return np.frombuffer(json.dumps(values).encode(), np.uint8)
