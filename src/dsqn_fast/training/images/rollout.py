"""A stretch of play of all games, as learning needs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dsqn_fast.training.images.games import Games, Images
from dsqn_fast.training.images.network import ImageNetwork
from dsqn_fast.training.images.settings import ImageSettings

Choose = Callable[[torch.Tensor, np.random.Generator], tuple[NDArray[np.int64], NDArray[Any]]]
"""Outputs (B, n) and a generator to actions (B,) and the logarithms of their probabilities."""


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """What happened; arrays are (horizon, n_envs) where nothing else is said.

    Attributes:
        images: (horizon, n_envs, height, width, channels) uint8 that was decided on.
        last: (n_envs, height, width, channels) after the last decision.
        actions: int64.
        log_probability: Of the action under the policy that played, float32.
        rewards: Learned from, float32. Where a time limit ended a game, what its last state was
            worth to the network that played is part of it, discounted, as in Stable-Baselines3.
        ended: Whether a life or the game was lost, or a time limit ended it.
        free: Whether the policy chose the action.
        returns: Full-game sums of the games' own rewards, of the games that were over.
    """

    images: Images
    last: Images
    actions: NDArray[np.int64]
    log_probability: NDArray[np.float32]
    rewards: NDArray[np.float32]
    ended: NDArray[np.bool_]
    free: NDArray[np.bool_]
    returns: list[float]

    @property
    def flat_images(self) -> Images:
        """(horizon * n_envs, height, width, channels)."""
        return self.images.reshape(-1, *self.images.shape[2:])


@dataclass(kw_only=True)
class Player:
    """Plays games on and on; games that are over begin again.

    Attributes:
        games: Where it plays.
        settings: How long a stretch is.
        rng: What is drawn from.
    """

    games: Games
    settings: ImageSettings
    rng: np.random.Generator = field(init=False)
    _images: Images = field(init=False)
    _forced: NDArray[np.bool_] = field(init=False)
    _returns: NDArray[np.float64] = field(init=False)

    def begin(self, seed: int) -> None:
        """Begin all games anew with a seed that decides everything random."""
        self.rng = np.random.default_rng((seed, 1))
        self._images = self.games.reset(seed)
        self._forced = np.zeros(self.settings.n_envs, bool)
        self._returns = np.zeros(self.settings.n_envs)

    def play(self, network: ImageNetwork, choose: Choose) -> Rollout:
        """Play one stretch.

        Args:
            network: Must not change meanwhile.
            choose: How actions follow from its outputs.
        """
        size = (self.settings.horizon, self.settings.n_envs)
        images = np.empty((*size, *self.games.shape), np.uint8)
        actions, log_probability = np.empty(size, np.int64), np.empty(size, np.float32)
        rewards, ended, free = (
            np.empty(size, np.float32),
            np.empty(size, bool),
            np.empty(size, bool),
        )
        later, returns = np.zeros(size, np.float32), list[float]()
        for step in range(self.settings.horizon):
            images[step], free[step] = self._images, ~self._forced
            chosen, log_probability[step] = choose(network.outputs(images[step]), self.rng)
            actions[step] = np.where(self._forced, self.games.force, chosen)
            outcome = self.games.step(actions[step])
            self._images, self._forced = outcome.images, outcome.forced
            rewards[step], ended[step] = outcome.rewards, outcome.ended
            late = outcome.truncated
            if late.any():
                later[step, late] = self.settings.gamma * network.values(outcome.final[late])
            self._returns += outcome.rewards
            returns += self._returns[outcome.over].tolist()
            self._returns[outcome.over] = 0
        return Rollout(
            images=images,
            last=self._images.copy(),
            actions=actions,
            log_probability=log_probability,
            rewards=later + (np.sign(rewards) if self.settings.clip_rewards else rewards),
            ended=ended,
            free=free,
            returns=returns,
        )


def in_pieces(network: ImageNetwork, images: Images, size: int = 512) -> Any:
    """Both heads without gradients, for more images than fit in a cache at once."""
    with torch.no_grad():
        parts = [
            network(torch.from_numpy(images[begin : begin + size]))
            for begin in range(0, len(images), size)
        ]
    actor = torch.cat([part[0] for part in parts])
    value = None if parts[0][1] is None else torch.cat([part[1] for part in parts])
    return actor, value
