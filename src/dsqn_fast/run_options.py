"""Checks of the arguments that the reference and the engine share."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import ModelError, OptionError, RecordingError
from dsqn_fast.model.layers import Dense
from dsqn_fast.model.spiking import SpikingLayer, SpikingModel


def check_seed(seed: object) -> int:
    """Return ``seed`` as an int of 64 bits.

    Raises:
        OptionError: It is not an integer from 0 to 2**64 - 1.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise OptionError(f"seed must be an integer from 0 to 2**64 - 1, not {seed!r}")
    if not 0 <= int(seed) < 2**64:
        raise OptionError(f"seed must be from 0 to 2**64 - 1, not {seed}")
    return int(seed)


def check_decisions(decisions: Any, batch: int) -> NDArray[np.uint64]:
    """Return the index of each decision as (batch,) uint64.

    Raises:
        OptionError: They are not non-negative integers, or not one for each observation.
    """
    if isinstance(decisions, int | np.integer) and not isinstance(decisions, bool):
        first = int(decisions)
        if first < 0 or first + max(batch, 1) > 2**64:
            raise OptionError(
                f"{batch} decisions must have indices from 0 to 2**64 - 1, but the first is {first}"
            )
        return np.uint64(decisions) + np.arange(batch, dtype=np.uint64)
    try:
        array = np.asarray(decisions)
    except ValueError:  # lists of unequal lengths
        array = np.empty((), object)
    if array.dtype.kind not in "iu" or array.shape != (batch,):
        raise OptionError(
            f"decisions must be an integer or {batch} integers, not {array.dtype} of shape "
            f"{array.shape}"
        )
    if array.dtype.kind == "i" and (array < 0).any():
        raise OptionError(f"decisions must not be negative, but one is {array.min()}")
    return array.astype(np.uint64)


def check_record(record: Sequence[int] | str, populations: int) -> tuple[int, ...]:
    """Return the recorded populations as sorted indices from 0.

    Raises:
        OptionError: One of them does not exist.
    """
    if isinstance(record, str):
        if record != "all":
            raise OptionError(f"record must be population indices or 'all', not {record!r}")
        return tuple(range(populations))
    chosen = set()
    if not isinstance(record, Iterable):
        raise OptionError(f"record must be population indices or 'all', not {record!r}")
    for index in record:
        if isinstance(index, bool) or not isinstance(index, int | np.integer):
            raise OptionError(f"record must be population indices or 'all', not {index!r}")
        if not -populations <= index < populations:
            raise OptionError(
                f"record names population {index}, but the model has {populations}: "
                f"use 0 to {populations - 1}"
            )
        chosen.add(int(index) % populations)
    return tuple(sorted(chosen))


def check_recording(
    model: SpikingModel,
    record: Sequence[int],
    *,
    batch: int,
    n_steps: int,
    dtype: np.dtype[np.floating],
) -> None:
    """Check that the spikes and potentials of the populations ``record`` fit into memory.

    Raises:
        RecordingError: They take more than this machine has.
    """
    shapes = [s for s, p in zip(model.shapes()[1:], model.layers, strict=True) if _spikes(p)]
    values = sum(math.prod(shapes[index]) for index in record) * batch * n_steps
    size, memory = values * (1 + dtype.itemsize), machine_memory()
    if size > memory:
        raise RecordingError(
            f"recording {batch} decisions of {n_steps} steps takes {size / 1e9:.3g} GB, but this "
            f"machine has {memory / 1e9:.3g} GB: record fewer populations, decisions or steps"
        )


def _spikes(layer: object) -> bool:
    return isinstance(layer, SpikingLayer)


def machine_memory() -> int:
    """Bytes of memory of this machine, or 2**63 where that is not known."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 2**63


def check_precision(model: SpikingModel, dtype: np.dtype[np.floating]) -> None:
    """Check that every parameter of the model is finite, and thresholds above 0, in ``dtype``.

    Raises:
        ModelError: One is not.
    """
    for index, layer in enumerate(model.populations):
        parameters = {
            "weight": layer.connection.weight,
            "bias": layer.connection.bias,
            "threshold": layer.threshold,
            "initial_potential": layer.initial_potential,
        }
        for name, array in parameters.items():
            if array.dtype == dtype:
                continue
            with np.errstate(over="ignore", under="ignore"):
                held = array.astype(dtype)
            wrong = ~np.isfinite(held) | ((held <= 0) if name == "threshold" else False)
            if wrong.any():
                found = array[wrong].flat[0]
                article = "an" if name == "initial_potential" else "a"
                raise ModelError(
                    f"{article} {name} of population {index} is {found}, which {dtype} cannot "
                    "hold: use precision 'float64'"
                )


def expand_output_neurons(model: SpikingModel) -> SpikingModel:
    """The model with its second output neurons, of negated weights, written out.

    Without `two_output_neurons` the model itself is returned. The source is left out: it has
    half as many outputs.

    Raises:
        OptionError: It is no SpikingModel, or its doubled output layer is a convolution.
    """
    if not isinstance(model, SpikingModel):
        raise OptionError(
            f"only a SpikingModel can be simulated, not {type(model).__name__}: load a policy by "
            "load_policy, or convert a source network"
        )
    if not model.two_output_neurons:
        return model
    output = model.populations[-1]
    connection = output.connection
    if not isinstance(connection, Dense):
        raise OptionError("two_output_neurons needs a dense output layer, not a convolution")
    doubled = Dense(
        weight=np.concatenate([connection.weight, -connection.weight], axis=1),
        bias=np.concatenate([connection.bias, -connection.bias]),
    )
    parameters = {
        name: np.tile(array, 2) if array.shape else array
        for name in ("threshold", "initial_potential", "scale")
        for array in (getattr(output, name),)
    }
    layer = SpikingLayer(connection=doubled, **parameters)
    return replace(model, layers=(*model.layers[:-1], layer), source=None)
