"""A plain .npz file with ``w0, b0, w1, ...`` as a ReLU network."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import ModelFileError
from dsqn_fast.importers.operations import Activation, Linear, Operation, SourceNetwork
from dsqn_fast.importers.plain_arrays import read_arrays


def read_numpy_mlp(path: Path) -> SourceNetwork:
    """Read a dense ReLU network.

    Args:
        path: File with ``w0`` (n_in, n_out), ``w1``, ... and optionally ``b0`` (n_out,), ...;
            missing biases are zeros.

    Raises:
        ModelFileError: Entries are missing or odd, or their shapes do not chain.
    """
    arrays = read_arrays(path)
    count = _layer_count(path, arrays)
    operations: list[Operation] = []
    width: int | None = None
    for index in range(count):
        weight = _numbers(path, arrays, f"w{index}", 2)
        if width not in (None, weight.shape[0]):
            raise ModelFileError(
                f"{path}: w{index} has {weight.shape[0]} inputs, but w{index - 1} has {width} "
                "outputs: weights must be n_in x n_out and chain"
            )
        width = weight.shape[1]
        bias = _numbers(path, arrays, f"b{index}", 1) if f"b{index}" in arrays else None
        if bias is not None and bias.shape != (width,):
            raise ModelFileError(
                f"{path}: b{index} has {bias.shape[0]} values, but w{index} has {width} outputs"
            )
        operations.append(Linear(name=f"w{index}", weight=weight.T, bias=bias))
        if index < count - 1:
            operations.append(Activation(name=f"ReLU after w{index}"))
    missing = [f"b{index}" for index in range(count) if f"b{index}" not in arrays]
    notes = ["ReLU between the layers is what a plain .npz file means."]
    if missing:
        notes.append(f"Missing biases are zeros: {', '.join(missing)}.")
    return SourceNetwork(
        operations=tuple(operations), provenance={"format": "plain .npz"}, notes=tuple(notes)
    )


def _layer_count(path: Path, arrays: dict[str, NDArray[Any]]) -> int:
    count = sum(bool(re.fullmatch(r"w(0|[1-9]\d*)", name)) for name in arrays)
    if count == 0:
        raise ModelFileError(
            f"{path} has no entry 'w0' but {sorted(arrays)[:5]}: a plain network has w0, b0, w1, "
            "..., a policy of this package a header"
        )
    wanted = {f"{letter}{index}" for letter in "wb" for index in range(count)}
    missing = sorted({f"w{index}" for index in range(count)} - arrays.keys())
    if missing:
        raise ModelFileError(f"{path} has {count} weights but no entry {missing[0]!r}: add it")
    odd = sorted(arrays.keys() - wanted)
    if odd:
        raise ModelFileError(
            f"{path} has an entry {odd[0]!r}, which belongs to none of its {count} layers: "
            "remove it"
        )
    return count


def _numbers(
    path: Path, arrays: dict[str, NDArray[Any]], name: str, ndim: int
) -> NDArray[np.floating]:
    array = arrays[name]
    if array.dtype.kind not in "fiu":
        raise ModelFileError(f"{path}: {name} must hold real numbers, not {array.dtype}")
    if array.ndim != ndim or 0 in array.shape:
        raise ModelFileError(
            f"{path}: {name} must have {ndim} dimensions and no empty one, not {array.shape}"
        )
    if not np.isfinite(array).all():
        raise ModelFileError(f"{path}: {name} contains NaN or infinity")
    return array.astype(np.float64 if array.dtype == np.float64 else np.float32)
