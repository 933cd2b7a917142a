"""A policy as a PyNN script that runs without this package, and a file of its weights."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.deploy.companion import arrays_beside
from dsqn_fast.deploy.export import ExportReport
from dsqn_fast.deploy.nest_setup import leak_of
from dsqn_fast.deploy.nest_target import MOST_SYNAPSES as MOST_IN_NEST
from dsqn_fast.deploy.reference_target import refuse_early_decisions
from dsqn_fast.deploy.synapses import count_synapses, population_neurons, population_synapses
from dsqn_fast.deploy.target import TargetOption
from dsqn_fast.errors import OptionError, UnsupportedError
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.output_files import write_whole
from dsqn_fast.run_options import expand_output_neurons

SCRIPT: Final = Path(__file__).with_name("pynn_script.py")
MOST_SYNAPSES: Final = 200_000
"""PyNN lists synapses one by one in Python objects."""


TIMING: Final = TargetOption(
    default="auto",
    choices=("auto", "nest", "instant"),
    help="Convention that is computed; auto is the policy's own.",
)


def retimed(model: SpikingModel, timing: object) -> SpikingModel:
    """The policy with the timing that an option names.

    Raises:
        OptionError: There is no such timing.
    """
    chosen: Any = TIMING.check("timing", timing)
    return model if chosen == "auto" else model.replace(timing=chosen)


def refuse(model: SpikingModel) -> str | None:
    """What of a model PyNN cannot run, in one sentence, or None."""
    if (reason := refuse_early_decisions(model, "PyNN")) is not None:
        return reason
    if model.neuron.spikes != "binary":
        return f"PyNN's neurons have binary spikes, not {model.neuron.spikes!r} ones"
    if model.neuron.alpha > 0:
        return (
            "PyNN runs the policy's synapses as delta pulses (alpha = 0), not with alpha = "
            f"{model.neuron.alpha:g}"
        )
    if model.timing == "spytorch":
        return (
            "PyNN's neurons fire at the threshold and reset at once, timing 'spytorch' does not: "
            "use target nest, or --option timing=nest"
        )
    synapses = count_synapses(model.replace(encoding="poisson"))
    if synapses > MOST_SYNAPSES:
        return (
            f"the policy has {synapses} synapses, but at most {MOST_SYNAPSES} are built in PyNN: "
            f"use a smaller network, or target nest, which takes up to {MOST_IN_NEST}"
        )
    return None


def weights_file(model: SpikingModel, n_steps: int) -> bytes:
    """The weights and options that the script reads, as a ``.npz`` file."""
    leak = leak_of(model.neuron.beta)
    output = model.populations[-1]
    expanded = expand_output_neurons(model)
    options = {
        "populations": len(model.populations),
        "inputs": math.prod(model.input_shape),
        "n_steps": n_steps,
        "timing": model.timing,
        "reset": model.neuron.reset,
        "encoding": model.encoding,
        "decoding": model.decoding,
        "two_output_neurons": model.two_output_neurons,
        "output_fires": model.decoding != "potential",
        "output_threshold": output.threshold.ravel().tolist()
        if output.threshold.shape
        else float(output.threshold),
        "tau_m": leak.tau_m,
        "c_m": leak.c_m,
        "env_id": model.env_id,
    }
    arrays: dict[str, Any] = {"options": np.frombuffer(json.dumps(options).encode(), np.uint8)}
    pairs = zip(population_neurons(expanded), population_synapses(expanded), strict=True)
    for index, (neurons, synapses) in enumerate(pairs):
        parts: dict[str, NDArray[Any]] = {**vars(neurons), **vars(synapses)}
        arrays |= {f"{name}{index}": array for name, array in parts.items()}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def script_text(weights: str) -> str:
    """The script, reading its weights from the file ``weights`` beside it."""
    return SCRIPT.read_text(encoding="utf-8").replace(
        'WEIGHTS = "policy.npz"', f"WEIGHTS = {json.dumps(weights)}"
    )


def export_pynn(model: SpikingModel, path: Path, options: dict[str, Any]) -> ExportReport:
    """Write ``path`` (a .py file) and the weights beside it (.npz).

    Raises:
        OptionError: The path has another ending, or there is no such option.
        UnsupportedError: PyNN cannot run the policy.
        OutputPathError: A file cannot be written.
    """
    for name in options:
        if name != "timing":
            raise OptionError(f"exporter pynn has the option timing, not {name!r}")
    model = retimed(model, options.get("timing", "auto"))
    if path.suffix != ".py":
        raise OptionError(f"the script must end in .py, not {path.name!r}")
    if (reason := refuse(model)) is not None:
        raise UnsupportedError(reason)
    weights = arrays_beside(path)
    write_whole(weights, weights_file(model, model.n_steps))
    write_whole(path, script_text(weights.name).encode())
    losses = []
    if model.neuron.beta == 1.0:
        losses.append("no leak at all: the potential decays by 1 - 2**-33 per step")
    if model.neuron.reset == "subtraction":
        losses.append("reset by subtraction, except on NEST: IF_curr_delta resets to zero")
    if model.timing == "instant":
        losses.append("timing 'instant', except on NEST: elsewhere each layer is a step later")
    if model.early_exit is not None:
        losses.append("early exit: every decision takes all its steps")
    if model.encoding == "poisson":
        losses.append("the engine's random numbers: the script draws its own")
    return ExportReport(
        target="pynn",
        files=(str(path), str(weights)),
        losses=tuple(losses),
        notes=(f"run it with: python {path} nest OBSERVATIONS",),
    )
