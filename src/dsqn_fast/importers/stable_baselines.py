"""A Stable-Baselines3 agent: the network that chooses its actions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dsqn_fast.errors import UnsupportedLayerError
from dsqn_fast.importers.environment_names import environment_in_name
from dsqn_fast.importers.operations import (
    Affine,
    Flattening,
    Floats,
    Linear,
    Operation,
    SourceNetwork,
)
from dsqn_fast.importers.quantiles import mean_over_quantiles
from dsqn_fast.importers.sb3_archive import Sb3Archive, read_sb3_archive
from dsqn_fast.importers.tensor_chain import tensor_chain


@dataclass(frozen=True, kw_only=True)
class _Algorithm:
    """Where an algorithm keeps the network that acts."""

    name: str
    prefix: str
    heads: tuple[str, ...]
    activation: str


_DQN = _Algorithm(name="DQN", prefix="q_net.", heads=("q_net.",), activation="ReLU")
_QRDQN = _Algorithm(
    name="QR-DQN", prefix="quantile_net.", heads=("quantile_net.",), activation="ReLU"
)
_ACTOR = _Algorithm(
    name="A2C or PPO",
    prefix="",
    heads=("mlp_extractor.shared_net.", "mlp_extractor.policy_net.", "action_net."),
    activation="Tanh",
)


def read_stable_baselines(path: Path, activation: str | None = None) -> SourceNetwork:
    """Read a .zip file of DQN, QR-DQN, A2C or PPO; only JSON text and tensors are read.

    Args:
        path: The file.
        activation: torch name of the hidden activation; None for what the file says, or else
            the algorithm's own.

    Raises:
        ModelFileError: It is no such file or damaged.
        UnsupportedLayerError: Another algorithm, continuous actions, or a features extractor
            that tensors alone do not describe.
    """
    archive = read_sb3_archive(path)
    algorithm = _algorithm(archive)
    _check_actions(archive)
    stated = archive.policy_class_name("activation_fn")
    kind = activation or stated or algorithm.activation
    where = (
        "as given"
        if activation
        else "as stated in the file"
        if stated
        else (f"{algorithm.name}'s own, as the file states no other")
    )
    notes = [f"The hidden activation is {kind}, {where}.", *_observation_notes(archive)]
    operations = [*_scaling(archive, notes), *_features(archive, algorithm.prefix)]
    operations += _heads(archive, algorithm, kind, notes)
    env_id = environment_in_name(path.stem)
    if env_id:
        notes.append(f"The environment {env_id} was taken from the file's name.")
    return SourceNetwork(
        operations=tuple(operations),
        input_shape=archive.observation_shape() or None,
        env_id=env_id,
        provenance={
            "format": "Stable-Baselines3",
            "algorithm": algorithm.name,
            "stable_baselines3": archive.version,
            "num_timesteps": _integer(archive.data.get("num_timesteps")),
            "seed": _integer(archive.data.get("seed")),
        },
        notes=tuple(notes),
    )


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _algorithm(archive: Sb3Archive) -> _Algorithm:
    keys = archive.tensors.keys()
    for key in keys:
        if "lstm" in key:
            raise UnsupportedLayerError(
                f"{key} in {archive.path} belongs to an LSTM layer, which cannot be converted: "
                "train a policy without recurrence"
            )
    for algorithm in (_QRDQN, _DQN):
        if any(key.startswith(algorithm.prefix + algorithm.heads[0]) for key in keys):
            return algorithm
    if "action_net.weight" in keys and "log_std" not in keys:
        return _ACTOR
    raise UnsupportedLayerError(
        f"{archive.path} has tensors {sorted(keys)[:3]}, which are no discrete policy of DQN, "
        "QR-DQN, A2C or PPO: give an agent of one of these"
    )


def _check_actions(archive: Sb3Archive) -> None:
    kind = archive.space_kind("action_space")
    if kind not in ("Discrete", ""):
        raise UnsupportedLayerError(
            f"{archive.path} has a {kind} action space: only Discrete actions can be decoded from "
            "outputs"
        )
    kind = archive.space_kind("observation_space")
    if kind in ("Dict", "Tuple"):
        raise UnsupportedLayerError(
            f"{archive.path} has a {kind} observation space: train on one array "
            "(gymnasium.wrappers.FlattenObservation)"
        )


def _observation_notes(archive: Sb3Archive) -> list[str]:
    kind = archive.space_kind("observation_space")
    if kind in ("Discrete", "MultiDiscrete"):
        return [f"Stable-Baselines3 encodes {kind} observations one-hot: give them so."]
    return []


def _scaling(archive: Sb3Archive, notes: list[str]) -> list[Operation]:
    """Division by 255 where Stable-Baselines3 does it: images of bytes from 0 to 255."""
    space = archive.space("observation_space")
    shape = archive.observation_shape() or ()
    low, high = (set(str(space.get(name)).replace(".", " ").split()) for name in ("low", "high"))
    low, high = ({part.strip("[]") for part in each} - {""} for each in (low, high))
    bytes_image = space.get("dtype") == "uint8" and len(shape) == 3
    if not bytes_image or archive.policy_option("normalize_images") is False:
        return []
    if (low, high) != ({"0"}, {"255"}):
        return []
    notes.append("Stable-Baselines3 divides images of bytes by 255.")
    return [Affine(name="x / 255", scale=np.asarray(1 / 255), shift=np.zeros(()))]


def _features(archive: Sb3Archive, prefix: str) -> list[Operation]:
    """The features extractor: flattening, or the Nature network (Mnih et al. 2015)."""
    for extractor in ("pi_features_extractor.", "features_extractor."):
        own = _part(archive, prefix + extractor)
        if own:
            break
    name = archive.policy_class_name("features_extractor_class")
    odd = [key for key in own if not key.startswith(("cnn.", "linear."))]
    if name not in (None, "NatureCNN", "FlattenExtractor") or odd:
        raise UnsupportedLayerError(
            f"{archive.path} has its own features extractor {name or odd[0]}, which tensors alone "
            "do not describe: give agent.policy's module or an ONNX file"
        )
    if not own:
        return [Flattening(name="FlattenExtractor")]
    return tensor_chain(own, activation="ReLU", close=True)


def _heads(
    archive: Sb3Archive, algorithm: _Algorithm, activation: str, notes: list[str]
) -> list[Operation]:
    own: dict[str, Floats] = {}
    for head in algorithm.heads:
        own |= {head + key: a for key, a in _part(archive, algorithm.prefix + head).items()}
    operations = tensor_chain(own, activation=activation)
    last = operations[-1]
    if algorithm is _QRDQN and isinstance(last, Linear):
        operations[-1] = _mean_over_quantiles(archive, last, notes)
    return operations


def _mean_over_quantiles(archive: Sb3Archive, last: Linear, notes: list[str]) -> Linear:
    n_actions = str(archive.space("action_space").get("n"))
    n_out = last.weight.shape[0]
    if not n_actions.isdigit() or not int(n_actions) or n_out % int(n_actions):
        raise UnsupportedLayerError(
            f"{archive.path} has {n_out} outputs of quantiles for {n_actions} actions, which is "
            "no whole number per action: save the agent again"
        )
    notes.append(
        f"The mean over {n_out // int(n_actions)} quantiles was folded into the last layer."
    )
    return mean_over_quantiles(last, int(n_actions))


def _part(archive: Sb3Archive, prefix: str) -> dict[str, Floats]:
    return {
        key.removeprefix(prefix): array
        for key, array in archive.tensors.items()
        if key.startswith(prefix)
    }
