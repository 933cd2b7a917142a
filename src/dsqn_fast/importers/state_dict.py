"""A torch state_dict of a dense network or of the Nature network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from dsqn_fast.errors import ModelFileError, UnsupportedLayerError
from dsqn_fast.importers.operations import Convolution, Floats, Operation, SourceNetwork
from dsqn_fast.importers.tensor_chain import tensor_chain
from dsqn_fast.importers.tensor_files import load_tensor_file, tensor_arrays

NESTED = (
    "state_dict",
    "model_state_dict",
    "model_weights",
    "model",
    "network",
    "policy",
    "q_network",
)
"""Entries of a checkpoint under which a state_dict is looked for, in this order."""
ACTING = ("actor", "policy_net", "policy", "pi", "q_network", "q_net", "qnet", "online", "network")
"""Parts of a larger state_dict that choose the action, in order of preference."""


def read_state_dict(path: Path, activation: str | None = None) -> SourceNetwork:
    """Read a .pt or .pth file that holds tensors only.

    Args:
        path: The file; a state_dict, or a checkpoint with one in an entry such as
            ``state_dict`` or ``model``.
        activation: torch name of the activation between layers; None for ReLU.

    Raises:
        ModelFileError: It is damaged or holds Python objects.
        UnsupportedLayerError: The tensors do not form one chain of layers.
    """
    arrays = tensor_arrays(find_state_dict(load_tensor_file(path, str(path)), path), str(path))
    kind = activation or "ReLU"
    operations, part = acting_chain(arrays, kind)
    assumed = "as given" if activation else "assumed, because a state_dict does not state it"
    notes = [f"The activation between layers is {kind}, {assumed}."]
    if part:
        notes.append(f"Only the part {part!r} of the state_dict was taken.")
    if any(isinstance(op, Convolution) for op in operations):
        notes.append(
            "The strides 4, 2, 1 of the Nature network were assumed, and no scaling of the input: "
            "give input_scale=1/255 if the network divides images by 255."
        )
    return SourceNetwork(
        operations=tuple(operations),
        provenance={"format": "torch state_dict", "torch": torch.__version__},
        notes=tuple(notes),
    )


def find_state_dict(content: Any, path: Path) -> Mapping[Any, Any]:
    """The state_dict in what a torch file holds.

    Raises:
        ModelFileError: There is none.
    """
    if isinstance(content, Mapping):
        if any(isinstance(value, torch.Tensor) for value in content.values()):
            return content
        for key in NESTED:
            if isinstance(content.get(key), Mapping):
                return find_state_dict(content[key], path)
    found = (
        sorted(map(str, content))[:5] if isinstance(content, Mapping) else type(content).__name__
    )
    raise ModelFileError(
        f"{path} holds {found}, not a state_dict: save it with "
        "torch.save(module.state_dict(), path)"
    )


def acting_chain(
    arrays: Mapping[str, Floats], activation: str
) -> tuple[list[Operation], str | None]:
    """The chain of all layers, or else of the part that chooses the action, and its name.

    Raises:
        UnsupportedLayerError: Neither is one chain.
    """
    try:
        return tensor_chain(arrays, activation=activation), None
    except UnsupportedLayerError:
        for part in ACTING:
            own = {key: array for key, array in arrays.items() if key.startswith(f"{part}.")}
            if own and len(own) < len(arrays):
                return tensor_chain(own, activation=activation), part
        raise
