"""A dense network that plays a game in one view and is taught to."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dsqn_fast.frame_views import VIEWS
from dsqn_fast.importers import load_ann
from dsqn_fast.model import AnnModel

CPU: Final = torch.device("cpu")


class Pupil:
    """Linear layers with ReLU between them over the pixels of a view.

    Args:
        view: Name of the view, see `dsqn_fast.frame_views.VIEWS`.
        hidden: Neurons of the hidden layers.
        n_outputs: Actions.
        env_id: The game, which the exported network names.
        device: Where it computes.
    """

    def __init__(
        self,
        view: str,
        hidden: tuple[int, ...],
        n_outputs: int,
        env_id: str,
        *,
        device: torch.device = CPU,
    ) -> None:
        self.view, self.env_id = view, env_id
        self.shape = VIEWS[view].shape
        sizes = (int(np.prod(self.shape)), *hidden)
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(sizes):
            layers += [nn.Linear(before, after), nn.ReLU()]
        self.network = nn.Sequential(*layers, nn.Linear(sizes[-1], n_outputs))
        self.device = device
        self.network.to(device)
        self.scale(torch.zeros(sizes[0]), torch.ones(sizes[0]))

    def scale(self, mean: torch.Tensor, deviation: torch.Tensor) -> None:
        """Let the network see states less their mean, in deviations; both are (n_inputs,).

        Where a ball is, on few pixels and seldom, then weighs as much as a wall that stands still.
        """
        self._mean, self._deviation = mean.to(self.device), deviation.to(self.device)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Outputs (B, n_outputs) of states (B, n_inputs), with gradients, on the CPU.

        Args:
            states: Anywhere.
        """
        scaled = (states.to(self.device) - self._mean) / self._deviation
        logits: torch.Tensor = self.network(scaled)
        return logits.cpu()

    @property
    def preprocessing(self) -> Mapping[str, Any]:
        """What makes its observations of a game."""
        return {"name": self.view}

    def outputs(self, states: torch.Tensor) -> NDArray[np.floating]:
        """Outputs (B, n_outputs) of states (B, n_inputs)."""
        with torch.no_grad():
            found: NDArray[np.floating] = self.forward(states).numpy()
        return found

    def predict(
        self,
        observation: NDArray[Any],
        state: Any = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[NDArray[np.int64], Any]:
        """Actions of (B, *shape) observations; see `SpikingAgent.predict`."""
        flat = observation.reshape(len(observation), -1).astype(np.float32)
        return self.outputs(torch.from_numpy(flat)).argmax(axis=1), state

    def export(
        self,
        seen: NDArray[np.bool_] | None = None,
        steady: tuple[NDArray[np.bool_], NDArray[np.float32]] | None = None,
    ) -> AnnModel:
        """The network as a policy's source, its scaling folded into the first layer.

        Args:
            seen: (n_inputs,) inputs that the network learned from. The weights of others, which
                still are what they were drawn as, become zero. None keeps all.
            steady: (n_inputs,) which inputs hardly ever change, and the values that they have. They
                become part of the biases: what never changed taught their weights nothing, and
                whatever hides such a pixel would be noise. None keeps all.
        """
        first = self.network[0]
        assert isinstance(first, nn.Linear)
        folded = nn.Linear(first.in_features, first.out_features)
        with torch.no_grad():
            weight = (first.weight.double() / self._deviation.double()).cpu()
            if seen is not None:
                weight *= torch.from_numpy(seen)
            bias = first.bias.double().cpu() - weight @ self._mean.double().cpu()
            if steady is not None:
                still = torch.from_numpy(steady[0])
                bias += weight[:, still] @ torch.from_numpy(steady[1][steady[0]]).double()
                weight[:, still] = 0
            folded.bias.copy_(bias)
            folded.weight.copy_(weight)
        return load_ann(
            nn.Sequential(nn.Flatten(), folded, *copy.deepcopy(list(self.network)[1:])).cpu(),
            input_shape=tuple(self.shape),
            env_id=self.env_id,
            preprocessing=dict(self.preprocessing),
        )
