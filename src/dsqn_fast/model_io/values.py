"""Stored values as those of the model, and spiking weights that are not stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import ModelFileError
from dsqn_fast.model import AnnModel
from dsqn_fast.model.byte_weights import from_bytes
from dsqn_fast.model.scaling import scaled_weights
from dsqn_fast.model_io.layout import (
    FREE_UNPACKED_BYTES,
    INT8,
    KINDS,
    MAX_EXPANSION,
    MAX_UNPACKED_BYTES,
    WEIGHTED,
    ArraySpec,
)
from dsqn_fast.model_io.plan import LayerPlan

Arrays = Mapping[str, NDArray[Any]]


def check_loaded_size(plans: Sequence[LayerPlan], n_bytes: int) -> None:
    """Check that a file is not small for what it becomes in memory.

    Raises:
        ModelFileError: Its layers ``plans`` are too large for its ``n_bytes``.
    """
    loaded = sum(spec.n_loaded_bytes for plan in plans for spec in plan.arrays.values())
    most = min(MAX_UNPACKED_BYTES, max(FREE_UNPACKED_BYTES, MAX_EXPANSION * n_bytes))
    if loaded > most:
        raise ModelFileError(
            f"its {n_bytes} bytes become {loaded} in memory, more than the {most} allowed"
        )


def as_loaded(values: NDArray[Any], spec: ArraySpec) -> NDArray[Any]:
    """The values that an array of the file stands for, float32 or float64."""
    if spec.dtype == INT8:
        return from_bytes(values, spec.exponents)
    # A signalling NaN would warn here; the model refuses it a moment later.
    with np.errstate(invalid="ignore"):
        return values.astype(np.float32) if spec.dtype == "float16" else values


def weights_from_source(
    plans: Sequence[LayerPlan], source: AnnModel | None, arrays: Arrays
) -> dict[str, NDArray[Any]]:
    """The spiking weights that the file does not have, by name.

    Args:
        plans: The spiking layers.
        source: The network that they are made from.
        arrays: What the file has, the layers' scales among it.

    Raises:
        ModelFileError: There is no source, or it has other layers.
    """
    populations = [plan for plan in plans if plan.kind in WEIGHTED]
    if all(plan.arrays["weight"].stored for plan in populations):
        return {}
    scales = [arrays[f"{plan.name}.scale"] for plan in populations]
    _check_source(plans, source)
    assert source is not None
    made: dict[str, NDArray[Any]] = {}
    with np.errstate(all="ignore"):  # the model refuses what comes of it
        for plan, weight in zip(populations, scaled_weights(source, scales), strict=True):
            if not plan.arrays["weight"].stored:
                made[f"{plan.name}.weight"] = weight
    return made


def _check_source(plans: Sequence[LayerPlan], source: AnnModel | None) -> None:
    kinds = [] if source is None else [type(layer) for layer in source.layers]
    if source is None or [KINDS[plan.kind] for plan in plans] != kinds:
        raise ModelFileError(
            f"weights are made from its source, which must have the layers "
            f"{', '.join(plan.kind for plan in plans)}"
        )
    for plan, layer in zip(plans, source.layers, strict=True):
        if plan.kind not in WEIGHTED:
            continue
        width: tuple[int, ...] = layer.weight.shape[-1:]  # type: ignore[union-attr]
        if plan.arrays["weight"].shape != layer.weight.shape:  # type: ignore[union-attr]
            raise ModelFileError(
                f"{plan.name}.weight must have its source's shape "
                f"{layer.weight.shape}, not {plan.arrays['weight'].shape}"  # type: ignore[union-attr]
            )
        if plan.arrays["scale"].shape not in ((), width):
            raise ModelFileError(
                f"{plan.name}.scale must have shape () or {width}, not {plan.arrays['scale'].shape}"
            )
