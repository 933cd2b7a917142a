"""What every peer can do: say what it is, take a network, decide."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib import metadata
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.model.spiking import SpikingModel

Floats = NDArray[np.float32]


class Peer(ABC):
    """A simulator of spiking networks, or the ReLU network itself.

    A peer simulates non-leaky integrate-and-fire neurons with constant-current encoding and
    decides by the potential of outputs that never spike. What may be done once per network is
    done in `prepare`; what a decision needs is in `decide`, and that is timed.

    Attributes:
        title: How tables call it.
        distribution: Package on PyPI that the version is asked of.
        modules: What it imports, tried by `available`.
        convention: The attributes of `SpikingModel` and `Neuron` in which its neurons differ
            from the model's; the engine simulates the same when decisions are compared.
        is_relu: Whether it runs the source network: a cost to compare with, not a simulator.
    """

    title: ClassVar[str]
    distribution: ClassVar[str]
    modules: ClassVar[tuple[str, ...]]
    convention: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    is_relu: ClassVar[bool] = False

    def version(self) -> str:
        """Version of its package."""
        return metadata.version(self.distribution)

    def available(self) -> str | None:
        """None, or why it cannot run here, in one line."""
        for name in self.modules:
            try:
                importlib.import_module(name)
            except ModuleNotFoundError as error:
                package = name.partition(".")[0]
                return f"{package} is not installed" if error.name == package else str(error)
            except Exception as error:  # whatever a foreign package raises on its way in
                return f"{name} cannot be imported: {type(error).__name__}: {error}"
        return None

    @abstractmethod
    def prepare(self, model: SpikingModel, n_steps: int, batch: int) -> None:
        """Take a network; compile, build and allocate.

        Args:
            model: The spiking network.
            n_steps: Time steps per decision.
            batch: Observations per call of `decide`.

        Raises:
            UnsupportedError: It cannot run this network, and why.
        """

    @abstractmethod
    def decide(self, observations: Floats) -> Floats:
        """Final potentials (B, n_out) for observations (B, *shape), channels last."""

    def decide_on(self, observations: Floats, first: int) -> Floats:
        """As `decide`; ``first`` is the index of the first decision, which may key its noise."""
        return self.decide(observations)

    def close(self) -> None:  # noqa: B027 - few peers hold anything
        """Free processes and files."""
