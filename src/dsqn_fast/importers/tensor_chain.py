"""A chain of layers from named tensors, as a state_dict has them.

A state_dict states weights, not what happens between them: the activation is given, the strides
are known for one convolutional network only, that of Mnih et al. 2015 (kernels 8, 4, 3 with
strides 4, 2, 1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from dsqn_fast.errors import UnsupportedLayerError
from dsqn_fast.importers.batch_norm import batch_norm
from dsqn_fast.importers.operations import (
    Activation,
    Convolution,
    Flattening,
    Floats,
    Linear,
    Operation,
)
from dsqn_fast.importers.refusals import refused_layer

NATURE_KERNELS = ((8, 8), (4, 4), (3, 3))
NATURE_STRIDES = ((4, 4), (2, 2), (1, 1))
BATCH_NORM_EPSILON = 1e-5
"""The epsilon that torch's BatchNorm layers have unless told otherwise."""


def tensor_chain(
    arrays: Mapping[str, Floats], *, activation: str, close: bool = False
) -> list[Operation]:
    """Layers in the order of ``arrays``, or in natural order of their names where that chains.

    Args:
        arrays: Tensors named ``layer.weight``, ``layer.bias``, ``layer.running_mean``, ...
        activation: torch name of the activation between layers.
        close: Also put the activation after the last layer.

    Raises:
        UnsupportedLayerError: A tensor belongs to no known layer, or shapes do not chain.
    """
    names = list(dict.fromkeys(key.rpartition(".")[0] for key in arrays))
    problem = ""
    for order in (names, sorted(names, key=_natural)):
        units = [_unit(name, arrays) for name in order]
        _set_strides(units)
        problem = _chain_problem(units)
        if not problem:
            return _with_activations(units, activation, close)
    raise UnsupportedLayerError(f"{problem}: give the module itself or an ONNX file")


def _natural(name: str) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def _unit(name: str, arrays: Mapping[str, Floats]) -> Operation:
    prefix = f"{name}." if name else ""
    own = {
        key.removeprefix(prefix): array
        for key, array in arrays.items()
        if key.rpartition(".")[0] == name
    }
    odd = sorted(
        own.keys() - {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}
    )
    if odd or "weight" not in own:
        kind = "recurrent" if any("_ih" in key or "_hh" in key for key in own) else "unknown"
        raise refused_layer(f"{prefix}{odd[0] if odd else min(own)}", kind)
    weight, bias = own["weight"], own.get("bias")
    if weight.ndim == 2:
        return Linear(name=f"{name} (Linear)", weight=weight, bias=bias)
    if weight.ndim == 4:
        return Convolution(name=f"{name} (Conv2d)", weight=weight, bias=bias)
    if weight.ndim == 1 and {"running_mean", "running_var"} <= own.keys():
        return batch_norm(
            f"{name} (BatchNorm)",
            mean=own["running_mean"],
            variance=own["running_var"],
            epsilon=BATCH_NORM_EPSILON,
            weight=weight,
            bias=bias,
        )
    raise refused_layer(name, f"{weight.ndim}-dimensional")


def _set_strides(units: list[Operation]) -> None:
    convolutions = [unit for unit in units if isinstance(unit, Convolution)]
    if not convolutions:
        return
    kernels = tuple(unit.weight.shape[2:] for unit in convolutions)
    if kernels != NATURE_KERNELS:
        raise UnsupportedLayerError(
            f"{convolutions[0].name} and its like have kernels {kernels}, and tensors alone do "
            f"not state strides (known: kernels {NATURE_KERNELS} of the Nature network): give "
            "the module itself or an ONNX file"
        )
    strides = iter(NATURE_STRIDES)
    for index, unit in enumerate(units):
        if isinstance(unit, Convolution):
            units[index] = Convolution(
                name=unit.name, weight=unit.weight, bias=unit.bias, stride=next(strides)
            )


def _chain_problem(units: list[Operation]) -> str:
    """Why the weights do not chain, as the beginning of a sentence; empty if they do."""
    previous: Linear | Convolution | None = None
    for unit in units:
        if not isinstance(unit, Linear | Convolution):
            continue
        if previous is not None:
            given, taken = previous.weight.shape[0], unit.weight.shape[1]
            after_image = isinstance(previous, Convolution) and isinstance(unit, Linear)
            if taken % given if after_image else taken != given:
                return f"{previous.name} gives {given} values but {unit.name} takes {taken}"
            if isinstance(previous, Linear) and isinstance(unit, Convolution):
                return f"{unit.name} follows the dense {previous.name}"
        previous = unit
    return "" if previous is not None else "there is no weighted layer"


def _with_activations(units: list[Operation], activation: str, close: bool) -> list[Operation]:
    operations: list[Operation] = []
    before: Linear | Convolution | None = None
    for unit in units:
        if isinstance(unit, Linear | Convolution):
            if before is not None:
                operations.append(_activation(before, activation))
            if isinstance(before, Convolution) and isinstance(unit, Linear):
                operations.append(Flattening(name="Flatten"))
            before = unit
        operations.append(unit)
    if close and before is not None:
        operations.append(_activation(before, activation))
    return operations


def _activation(after: Operation, kind: str) -> Activation:
    return Activation(name=f"{kind} after {after.name}", kind=kind)
