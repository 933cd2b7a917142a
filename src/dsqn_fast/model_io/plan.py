"""A header as the list of layers and arrays that it promises, before any array is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dsqn_fast.errors import ModelFileError
from dsqn_fast.model.checks import shown
from dsqn_fast.model_io.layout import (
    CONNECTION_ARRAYS,
    KINDS,
    MAX_UNPACKED_BYTES,
    NEURON_ARRAYS,
    OPTIONS,
    WEIGHTED,
    ArraySpec,
)

MAX_DIMENSIONS = 4


@dataclass(frozen=True)
class LayerPlan:
    """One layer as the header describes it.

    Attributes:
        name: ``layer0`` or ``source.layer0``, the beginning of its arrays' names.
        kind: Its word in the header.
        options: Keyword arguments of the layer's class, unchecked.
        arrays: Shape and type of its arrays by attribute.
    """

    name: str
    kind: str
    options: Mapping[str, Any]
    arrays: Mapping[str, ArraySpec]


def check_keys(where: str, value: object, names: tuple[str, ...]) -> dict[str, Any]:
    """Return ``value`` if it is a JSON object with exactly the keys ``names``.

    Raises:
        ModelFileError: It is none; the message lists all missing, else all unknown keys.
    """
    if not isinstance(value, dict):
        raise ModelFileError(f"{where} must be a JSON object, not {shown(value)}")
    if missing := [name for name in names if name not in value]:
        raise ModelFileError(f"{where} lacks {', '.join(missing)}")
    if unknown := [shown(key) for key in value if key not in names]:
        raise ModelFileError(
            f"{where} has the unknown {', '.join(unknown)}, where only {', '.join(names)} is known"
        )
    return value


def plan_layers(where: str, value: object, *, prefix: str, spiking: bool) -> list[LayerPlan]:
    """Return the plan of a list of layers.

    Args:
        where: What the list is called in messages.
        value: The list as JSON.
        prefix: Beginning of every layer's name, before its index.
        spiking: Whether weighted layers have neurons.

    Raises:
        ModelFileError: It describes no layers of this version.
    """
    if not isinstance(value, list):
        raise ModelFileError(f"{where} must be a list of layers, not {shown(value)}")
    return [_plan_layer(f"{prefix}{i}", entry, spiking) for i, entry in enumerate(value)]


def array_specs(plans: list[LayerPlan]) -> Iterator[tuple[str, ArraySpec]]:
    """Name and promise of every array of these layers, in order."""
    for plan in plans:
        for attribute, spec in plan.arrays.items():
            yield f"{plan.name}.{attribute}", spec


def _plan_layer(name: str, entry: object, spiking: bool) -> LayerPlan:
    if not isinstance(entry, dict):
        raise ModelFileError(f"{name} must be a JSON object, not {shown(entry)}")
    kind = entry.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ModelFileError(f"{name} must be one of {', '.join(KINDS)}, not {shown(kind)}")
    names: tuple[str, ...] = ()
    if kind in WEIGHTED:
        names = CONNECTION_ARRAYS + (NEURON_ARRAYS if spiking else ())
    fields = check_keys(name, entry, ("kind", *OPTIONS[kind], *names))
    options = {option: fields[option] for option in OPTIONS[kind]}
    arrays = {array: _array_spec(f"{name}.{array}", fields[array]) for array in names}
    return LayerPlan(name, kind, options, arrays)


def _array_spec(name: str, value: object) -> ArraySpec:
    fields = check_keys(name, value, ("shape", "dtype"))
    shape, dtype = fields["shape"], fields["dtype"]
    halves = ("float16",) if name.endswith(".weight") else ()
    dtypes = (*halves, "float32", "float64")
    if not isinstance(dtype, str) or dtype not in dtypes:
        raise ModelFileError(f"{name} must be {' or '.join(dtypes)}, not {shown(dtype)}")
    if not isinstance(shape, list) or len(shape) > MAX_DIMENSIONS:
        raise ModelFileError(f"{name} must have up to 4 dimensions, not {shown(shape)}")
    for size in shape:
        if type(size) is not int or not 0 <= size <= MAX_UNPACKED_BYTES:
            raise ModelFileError(
                f"{name} must have dimensions from 0 to {MAX_UNPACKED_BYTES}, not {shown(shape)}"
            )
    return ArraySpec(tuple(shape), dtype)
