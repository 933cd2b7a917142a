"""Tensors of torch files, read without unpickling anything else."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dsqn_fast.errors import ModelFileError
from dsqn_fast.importers.operations import Floats
from dsqn_fast.importers.plain_arrays import MAX_BYTES, unpacked_size


def load_tensor_file(source: Path | io.BytesIO, name: str) -> Any:
    """What a torch file holds, with ``weights_only=True``: tensors, numbers and containers.

    Args:
        source: The file or its bytes.
        name: What to call it in messages.

    Raises:
        ModelFileError: It is damaged, or holds Python objects, which are never unpickled.
    """
    _check_size(source, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is refused with a sentence below
            return torch.load(source, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files fail in many ways inside torch and pickle
        raise ModelFileError(
            f"{name} does not hold tensors only ({_reason(error)}): save it with "
            "torch.save(module.state_dict(), path); Python objects are never unpickled"
        ) from None


def _reason(error: Exception) -> str:
    """What torch found, without its advice, which is to trust the file."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    if "TorchScript" in text:
        return "it is a TorchScript archive, which is a program"
    found = re.search(r"WeightsUnpickler error:\s*(.+)", text)
    lines = [found.group(1)] if found else text.strip().splitlines()
    first = lines[0] if lines else type(error).__name__
    if first.startswith("Weights only load failed"):
        first = "it is no file of torch.save"
    return first.split(". ")[0][:160]


def _check_size(source: Path | io.BytesIO, name: str) -> None:
    try:
        if not zipfile.is_zipfile(source):
            size, damaged = 0, None
        else:
            with zipfile.ZipFile(source) as archive:
                size = unpacked_size(archive)
                # torch itself does not compare checksums: a flipped bit would be a wrong weight
                damaged = archive.testzip() if size <= MAX_BYTES else None
    except Exception as error:  # damaged archives fail in many ways, even in is_zipfile
        raise ModelFileError(f"{name} is a damaged torch file ({error}): save it again") from None
    if damaged is not None:
        raise ModelFileError(f"{name} has a wrong checksum in {damaged!r}: copy or save it again")
    if size > MAX_BYTES:
        raise ModelFileError(f"{name} holds {size} bytes unpacked, more than {MAX_BYTES}")
    if isinstance(source, io.BytesIO):
        source.seek(0)


def tensor_arrays(tensors: Mapping[Any, Any], name: str) -> dict[str, Floats]:
    """A state_dict's tensors as NumPy arrays: float64 stays, all else becomes float32.

    Raises:
        ModelFileError: An entry is not a tensor of real numbers.
    """
    arrays: dict[str, Floats] = {}
    size = sum(tensor.numel() for tensor in tensors.values() if isinstance(tensor, torch.Tensor))
    if size > MAX_BYTES // 8:  # a stride of 0 lets a small file state a huge tensor
        raise ModelFileError(f"{name} states {size} numbers, more than {MAX_BYTES // 8}")
    for key, tensor in tensors.items():
        if not isinstance(key, str) or not isinstance(tensor, torch.Tensor):
            raise ModelFileError(
                f"{name} has an entry {key!r} of type {type(tensor).__name__}: "
                "a state_dict holds tensors only"
            )
        arrays[key] = tensor_array(tensor, f"{name}: {key}")
    return arrays


def tensor_array(tensor: torch.Tensor, name: str) -> Floats:
    """One tensor as a NumPy array of its own memory.

    Raises:
        ModelFileError: It is complex, sparse, quantised, or not finite.
    """
    odd = tensor.is_complex() or tensor.is_quantized or tensor.layout != torch.strided
    if odd or tensor.is_meta:
        raise ModelFileError(
            f"{name} is a {tensor.dtype} {tensor.layout} tensor on {tensor.device}, not plain "
            "real numbers: save it as such"
        )
    wide = tensor.dtype == torch.float64
    array = tensor.detach().cpu().to(torch.float64 if wide else torch.float32).numpy().copy()
    if not np.isfinite(array).all():
        raise ModelFileError(f"{name} contains NaN or infinity")
    return array
