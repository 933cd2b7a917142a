"""A policy as the header of its file and its arrays, for other files that can hold both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import ModelFileError
from dsqn_fast.model import SpikingModel
from dsqn_fast.model_io.decode import HeaderPlan
from dsqn_fast.model_io.encode import encode_model
from dsqn_fast.model_io.header import read_header, write_header
from dsqn_fast.model_io.plan import array_specs
from dsqn_fast.model_io.values import as_loaded


def policy_to_text(model: SpikingModel) -> tuple[str, dict[str, NDArray[Any]]]:
    """The header as JSON, and the arrays by name (``layer0.weight``, ``source.layer0.bias``)."""
    header, arrays = encode_model(model, None)
    return write_header(header).decode(), dict(arrays)


def policy_from_text(text: str, arrays: Mapping[str, NDArray[Any]]) -> SpikingModel:
    """The policy of a header and arrays, which need not be trusted.

    Args:
        text: What `policy_to_text` gave.
        arrays: The arrays by name, of any type and of any shape with as many values.

    Raises:
        ModelFileError: They do not describe a model.
    """
    plan = HeaderPlan(read_header(text.encode("utf-8", "replace")))
    shaped = {}
    for name, spec in array_specs(plan.layers + plan.source_layers):
        if name not in arrays:
            raise ModelFileError(f"{name} is missing")
        array = arrays[name]
        if array.dtype.kind not in "fiu" or array.size != _size(spec.shape):
            raise ModelFileError(
                f"{name} must be numbers of shape {spec.shape}, not {array.dtype} of shape "
                f"{array.shape}"
            )
        with np.errstate(over="ignore", invalid="ignore"):  # the model refuses what comes of it
            shaped[name] = as_loaded(array.reshape(spec.shape).astype(spec.dtype), spec)
    return plan.build(shaped)


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size
