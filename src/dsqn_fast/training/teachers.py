"""Policies that teach: a network of any kind, a spiking policy, or what a run has trained."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.agents import Agent, AnnAgent, SpikingAgent, State, as_batch
from dsqn_fast.errors import ModelFileError, ModelFileNotFoundError
from dsqn_fast.importers import load_teacher
from dsqn_fast.model import AnnModel, SpikingModel
from dsqn_fast.model.layers import Shape
from dsqn_fast.training.run_folder import CONFIG


class TeachingNetwork(Protocol):
    """What is known of a network that teaches."""

    @property
    def input_shape(self) -> Shape:
        """Shape of an observation."""

    @property
    def channels_first(self) -> bool:
        """Whether images arrive as (channels, height, width)."""

    @property
    def n_outputs(self) -> int:
        """Number of actions."""

    @property
    def env_id(self) -> str | None:
        """Environment, where known."""

    @property
    def preprocessing(self) -> Mapping[str, Any] | None:
        """Preprocessing of the observations, where there is one."""

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Where it came from."""


class Forward(TeachingNetwork, Protocol):
    """A network that is asked for outputs."""

    def forward(self, observations: NDArray[Any]) -> NDArray[np.floating]:
        """Outputs (B, n_outputs); the largest is the action."""


class ForwardAgent:
    """Plays the first of the largest outputs of any network.

    Args:
        network: The network.
    """

    def __init__(self, network: Forward) -> None:
        self.network = network
        self.env_id, self.preprocessing = network.env_id, network.preprocessing

    def predict(
        self,
        observation: Any,
        state: State = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[NDArray[np.int64], State]:
        """Actions of observations; see `SpikingAgent.predict`."""
        batch, single = as_batch(self.network, observation)
        actions = self.network.forward(batch).argmax(axis=1).astype(np.int64)
        return actions.squeeze(axis=0) if single else actions, state


@dataclass(frozen=True, kw_only=True, eq=False)
class Teacher:
    """Who is imitated.

    Attributes:
        network: Its shapes and its preprocessing.
        agent: It, playing.
        origin: Where it was read from, JSON values: its file and the file's SHA-256.
    """

    network: TeachingNetwork
    agent: Agent
    origin: Mapping[str, Any]

    def actions(self, observations: NDArray[Any]) -> NDArray[np.int64]:
        """Its actions (B,) on observations (B, *shape)."""
        return np.asarray(self.agent.predict(observations)[0], np.int64)


def as_teacher(network: Forward | SpikingModel, origin: Mapping[str, Any] | None = None) -> Teacher:
    """A network or spiking policy as a teacher."""
    agent: Agent
    if isinstance(network, SpikingModel):
        agent = SpikingAgent(network)
    elif isinstance(network, AnnModel):
        agent = AnnAgent(network)
    else:
        agent = ForwardAgent(network)
    return Teacher(network=network, agent=agent, origin=origin or {})


def open_teacher(path: str | Path, *, env_id: str | None = None) -> Teacher:
    """The teacher in a file or a run folder.

    Of a policy that was converted its source network teaches, of one that was trained with
    spikes the policy itself.

    Args:
        path: A policy, any file that `load_teacher` reads, or the folder of a training run.
        env_id: Environment, where the source does not say.

    Raises:
        ModelFileError: It is none of these, or damaged.
        UnsupportedLayerError: A layer of it is not known.
        MissingExtraError: torch is not installed.
    """
    path = Path(path)
    if path.is_dir():
        path, env_id = _of_run(path, env_id)
    elif not path.is_file():
        raise ModelFileNotFoundError(f"there is no teacher {str(path)!r}: give a file or a run")
    network: Any = _spiking_alone(path)
    if network is None:
        network = load_teacher(path, env_id=env_id)
        network = network.network if isinstance(network.network, AnnModel) else network
    elif env_id is not None:
        network = network.replace(env_id=env_id)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return as_teacher(network, {"file": path.name, "sha256": digest})


def _of_run(folder: Path, env_id: str | None) -> tuple[Path, str | None]:
    """The file of a run folder that holds its best network, and the run's environment."""
    config = folder / CONFIG
    try:
        found = json.loads(config.read_text(encoding="utf-8"))["env_id"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelFileError(
            f"{str(folder)!r} is not the folder of a training run ({error}): give one that has "
            f"{CONFIG}, or a file"
        ) from None
    for name in ("policy.npz", "best.npz"):
        if (folder / name).is_file():
            return folder / name, env_id or found
    raise ModelFileError(f"the run in {str(folder)!r} has no network yet: wait for it to finish")


def _spiking_alone(path: Path) -> SpikingModel | None:
    """The policy in a file, if it has no source network; None if it is anything else."""
    from dsqn_fast.importers.plain_arrays import entry_names
    from dsqn_fast.model_io import load_policy

    if path.suffix.lower() != ".npz" or "header" not in entry_names(path):
        return None
    model = load_policy(path)
    return model if model.source is None else None
