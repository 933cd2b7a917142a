"""A ReLU network that is taught actions, its activations rounded or not."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import torch

from dsqn_fast.model import AnnModel, Dense
from dsqn_fast.training.input_scaling import InputScaling
from dsqn_fast.training.pupils import Pupil
from dsqn_fast.training.trainable_network import Activation, TrainableNetwork, relu

QUANTILE = 0.999
"""Of a neuron's activations: its scale, as `channel` normalisation takes it."""
SCALE_STATES = 4_000
"""Observations that scales are taken over."""


class ReluPupil(Pupil):
    """A network of `TrainableNetwork`, taught by cross-entropy.

    Args:
        ann: Where the weights start.
        levels: Round every hidden activation as a neuron does in so many time steps:
            h = scale / L * clip(floor(a L / scale + 1/2), 0, L), with the gradient of a where
            it is not clipped (quantisation-clip-floor-shift, Bu et al. 2022). The scale of a
            neuron or channel is the 0.999 quantile of its unrounded activations, taken anew
            each epoch, so that `channel` normalisation finds the same. None for plain ReLU.
        sharpness: Factor on the outputs inside the cross-entropy.
    """

    def __init__(self, ann: AnnModel, *, levels: int | None = None, sharpness: float = 1.0) -> None:
        self.network = TrainableNetwork(ann)
        self.levels, self.sharpness = levels, sharpness
        self.scales: list[torch.Tensor] = []

    @property
    def module(self) -> TrainableNetwork:
        """What holds the weights."""
        return self.network

    def export(self, scaling: InputScaling) -> AnnModel:
        """The network of this moment, its activations not rounded."""
        return scaling.fold(self.network.to_ann())

    @torch.no_grad()
    def look_at(self, states: torch.Tensor, generator: torch.Generator) -> None:
        """Take each neuron's scale from what the network, unrounded, does now."""
        if self.levels is None:
            return
        rows = torch.randperm(len(states), generator=generator)[:SCALE_STATES]
        _, hidden = self.network(states[rows])
        self.scales = [_scale(values.relu()) for values in hidden]

    def logits(self, observations: torch.Tensor) -> torch.Tensor:
        """Outputs (B, n_actions) times the sharpness."""
        activation = relu if self.levels is None else _rounding(self.scales, self.levels)
        outputs: torch.Tensor = self.network(observations, activation)[0]
        return outputs * self.sharpness


def _scale(activations: torch.Tensor) -> torch.Tensor:
    """Per neuron or channel the quantile, floored at a thousandth of the layer's largest."""
    flat = activations.reshape(-1, activations.shape[-1]).numpy()
    scale = np.quantile(flat, QUANTILE, axis=0)
    return torch.from_numpy(np.maximum(scale, 1e-3 * flat.max() + 1e-12).astype(np.float32))


def _rounding(scales: list[torch.Tensor], levels: int) -> Activation:
    def activation(layer: int, values: torch.Tensor) -> torch.Tensor:
        shifted = values / scales[layer] * levels + 0.5
        # The floor has no useful gradient: it is passed through as if it were not there.
        whole = shifted + (torch.floor(shifted) - shifted).detach()
        return torch.clamp(whole, 0, levels) * (scales[layer] / levels)

    return activation


def new_network(sizes: Sequence[int], *, seed: int) -> AnnModel:
    """A network with random weights (He 2015) and no biases yet.

    Args:
        sizes: Inputs, neurons of every hidden layer, outputs.
        seed: Seed of the weights.
    """
    rng = np.random.default_rng(seed)
    layers = tuple(
        Dense(
            weight=(rng.normal(size=(n_in, n_out)) * np.sqrt(2 / max(n_in, 1))).astype(np.float32),
            bias=np.zeros(n_out, np.float32),
        )
        for n_in, n_out in itertools.pairwise(sizes)
    )
    return AnnModel(layers=layers, input_shape=(sizes[0],))
