"""A CleanRL `.cleanrl_model` file: a state_dict, or one beside the script's arguments."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dsqn_fast.errors import UnsupportedLayerError
from dsqn_fast.importers.environment_names import environment_in_name
from dsqn_fast.importers.operations import Affine, Convolution, Floats, Operation, SourceNetwork
from dsqn_fast.importers.state_dict import find_state_dict
from dsqn_fast.importers.tensor_chain import tensor_chain
from dsqn_fast.importers.tensor_files import load_tensor_file, tensor_arrays


def read_cleanrl(path: Path, activation: str | None = None) -> SourceNetwork:
    """Read the network that acts: ``network`` of a DQN, ``actor`` of a PPO agent.

    Args:
        path: The file.
        activation: torch name of the hidden activation; None for CleanRL's own: Tanh in the
            dense actors of PPO, ReLU everywhere else.

    Raises:
        ModelFileError: It is damaged or holds Python objects.
        UnsupportedLayerError: The agent's outputs are no linear function of its last layer, or
            its layers do not chain.
    """
    content = load_tensor_file(path, str(path))
    arrays = tensor_arrays(find_state_dict(content, path), str(path))
    _refuse_distributions(arrays)
    network = {key: array for key, array in arrays.items() if key.startswith("network.")}
    actor = {key: array for key, array in arrays.items() if key.startswith("actor.")}
    own = {**network, **actor} or arrays
    usual = "Tanh" if actor and not network else "ReLU"
    kind = activation or usual
    notes = [f"The hidden activation is {kind}, {'as given' if activation else 'as in CleanRL'}."]
    operations = tensor_chain(own, activation=kind)
    if any(isinstance(op, Convolution) for op in operations):
        operations = [_image_scaling(), *operations]
        notes.append("CleanRL divides images by 255.")
    return SourceNetwork(
        operations=tuple(operations),
        env_id=_environment(content, path),
        provenance={"format": "CleanRL", "parts": sorted({key.split(".")[0] for key in own})},
        notes=tuple(notes),
    )


def _image_scaling() -> Operation:
    return Affine(name="x / 255", scale=np.asarray(1 / 255), shift=np.zeros(()))


def _refuse_distributions(arrays: Mapping[str, Floats]) -> None:
    odd = [key for key in arrays if key in ("atoms", "actor_logstd") or "sigma" in key]
    if odd:
        raise UnsupportedLayerError(
            f"{odd[0]} belongs to a distribution (C51, noisy layers or continuous actions), not to "
            "Q-values or logits: give an agent of dqn.py, dqn_atari.py or ppo_atari.py"
        )


def _environment(content: Any, path: Path) -> str | None:
    """From the script's arguments, or from the run's folder, ``ENV__script__seed__time``."""
    arguments = content.get("args") if isinstance(content, Mapping) else None
    if isinstance(arguments, Mapping) and isinstance(arguments.get("env_id"), str):
        return str(arguments["env_id"])
    return environment_in_name(path.resolve().parent.name.split("__")[0])
