"""A header as the list of layers and arrays that it promises, before any array is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dsqn_fast.errors import ModelFileError
from dsqn_fast.model.byte_weights import HIGHEST_EXPONENT, LOWEST_EXPONENT
from dsqn_fast.model.checks import shown
from dsqn_fast.model_io.layout import (
    BYTES_VERSION,
    CONNECTION_ARRAYS,
    FROM_SOURCE,
    INT8,
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


def plan_layers(
    where: str, value: object, *, prefix: str, spiking: bool, version: int
) -> list[LayerPlan]:
    """Return the plan of a list of layers.

    Args:
        where: What the list is called in messages.
        value: The list as JSON.
        prefix: Beginning of every layer's name, before its index.
        spiking: Whether weighted layers have neurons.
        version: Of the format.

    Raises:
        ModelFileError: It describes no layers of this version.
    """
    if not isinstance(value, list):
        raise ModelFileError(f"{where} must be a list of layers, not {shown(value)}")
    return [_plan_layer(f"{prefix}{i}", entry, spiking, version) for i, entry in enumerate(value)]


def array_specs(plans: list[LayerPlan]) -> Iterator[tuple[str, ArraySpec]]:
    """Name and promise of every stored array of these layers, in order."""
    for plan in plans:
        for attribute, spec in plan.arrays.items():
            if spec.stored:
                yield f"{plan.name}.{attribute}", spec


def _plan_layer(name: str, entry: object, spiking: bool, version: int) -> LayerPlan:
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
    extra = () if version < BYTES_VERSION else (FROM_SOURCE if spiking else INT8,)
    arrays = {
        array: _array_spec(f"{name}.{array}", fields[array], extra if array == "weight" else ())
        for array in names
    }
    return LayerPlan(name, kind, options, arrays)


def _array_spec(name: str, value: object, extra: tuple[str, ...]) -> ArraySpec:
    """The promise of an array, which may be of the types ``extra`` too."""
    in_bytes = INT8 in extra and isinstance(value, dict) and value.get("dtype") == INT8
    fields = check_keys(name, value, ("shape", "dtype", *(("exponents",) if in_bytes else ())))
    shape, dtype = fields["shape"], fields["dtype"]
    halves = ("float16",) if name.endswith(".weight") else ()
    dtypes = (*extra, *halves, "float32", "float64")
    if not isinstance(dtype, str) or dtype not in dtypes:
        raise ModelFileError(f"{name} must be {' or '.join(dtypes)}, not {shown(dtype)}")
    if not isinstance(shape, list) or len(shape) > MAX_DIMENSIONS:
        raise ModelFileError(f"{name} must have up to 4 dimensions, not {shown(shape)}")
    for size in shape:
        if type(size) is not int or not 0 <= size <= MAX_UNPACKED_BYTES:
            raise ModelFileError(
                f"{name} must have dimensions from 0 to {MAX_UNPACKED_BYTES}, not {shown(shape)}"
            )
    exponents = _exponents(name, fields["exponents"], shape) if in_bytes else ()
    return ArraySpec(tuple(shape), dtype, exponents)


def _exponents(name: str, value: object, shape: list[int]) -> tuple[int, ...]:
    wanted = shape[-1] if shape else 0
    if not isinstance(value, list) or len(value) != wanted:
        raise ModelFileError(f"{name} must have a list of {wanted} exponents, not {shown(value)}")
    for exponent in value:
        if type(exponent) is not int or not LOWEST_EXPONENT <= exponent <= HIGHEST_EXPONENT:
            raise ModelFileError(
                f"{name} must have exponents from {LOWEST_EXPONENT} to {HIGHEST_EXPONENT}, not "
                f"{shown(exponent)}"
            )
    return tuple(value)
