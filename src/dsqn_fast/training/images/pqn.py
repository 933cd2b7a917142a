"""Parallel Q-learning without replay memory or target network.

Gallici et al., Simplifying deep temporal difference learning, 2024. They keep it stable with layer
normalisation, which depends on the activations of one decision and so cannot become a spiking
network; here lambda returns of the network's own and a bound on the gradient have to do.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dsqn_fast.training.images.network import ImageNetwork
from dsqn_fast.training.images.rollout import Choose, Rollout, in_pieces
from dsqn_fast.training.images.settings import ImageSettings


class Pqn:
    """Learns Q-values.

    Args:
        network: Without a value head.
        settings: Hyperparameters.
    """

    def __init__(self, network: ImageNetwork, settings: ImageSettings) -> None:
        self.network, self.settings = network, settings
        self.optimizer = torch.optim.RAdam(network.parameters(), settings.learning_rate)

    def policy(self, progress: float) -> Choose:
        """How actions are chosen: the best one, with probability epsilon a random one.

        Args:
            progress: Share of the training that is done, which epsilon falls with.
        """
        epsilon = self.settings.epsilon_at(progress)

        def choose(
            outputs: torch.Tensor, rng: np.random.Generator
        ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
            actions = outputs.numpy().argmax(1)
            at_random = rng.random(len(actions)) < epsilon
            drawn = rng.integers(outputs.shape[1], size=len(actions))
            return np.where(at_random, drawn, actions), np.zeros(len(actions), np.float32)

        return choose

    def learn(
        self, rollout: Rollout, rng: np.random.Generator, progress: float
    ) -> dict[str, float]:
        """Update the network; see `Ppo.learn`."""
        settings = self.settings
        for group in self.optimizer.param_groups:
            group["lr"] = settings.rate_at(1.0 - progress)
        q_values, _ = in_pieces(self.network, rollout.flat_images)
        last, _ = in_pieces(self.network, rollout.last)
        best = q_values.numpy().max(1).reshape(rollout.rewards.shape)
        returns = lambda_returns(rollout, best, last.numpy().max(1), settings)
        images = torch.from_numpy(rollout.flat_images)
        actions = torch.from_numpy(rollout.actions.ravel())
        wanted = torch.from_numpy(returns.ravel())
        total, pieces = 0.0, settings.batch // settings.minibatch
        for _ in range(settings.epochs):
            for part in np.array_split(rng.permutation(settings.batch), pieces):
                rows = torch.from_numpy(part)
                q, _ = self.network(images[rows])
                found = q.gather(1, actions[rows, None]).squeeze(1)
                loss = 0.5 * ((found - wanted[rows]) ** 2).mean()
                self.optimizer.zero_grad(set_to_none=True)
                loss.backward()
                nn.utils.clip_grad_norm_(self.network.parameters(), settings.clip)
                self.optimizer.step()
                total += float(loss.detach()) / (settings.epochs * pieces)
        return {"q_loss": total, "mean_q": float(best.mean())}


def lambda_returns(
    rollout: Rollout,
    best: NDArray[np.float32],
    last: NDArray[np.float32],
    settings: ImageSettings,
) -> NDArray[np.float32]:
    """R[t] = r[t] + gamma * (lambda * R[t+1] + (1 - lambda) * max Q[t+1]); 0 follows an end.

    Args:
        rollout: Rewards and ends, (horizon, n_envs).
        best: max Q of the images that were decided on, (horizon, n_envs).
        last: max Q after the last decision, (n_envs,).
        settings: gamma and gae_lambda.

    Returns:
        (horizon, n_envs) float32.
    """
    returns = np.zeros_like(best)
    mixed = last
    for step in reversed(range(len(best))):
        goes_on = ~rollout.ended[step]
        returns[step] = rollout.rewards[step] + settings.gamma * goes_on * mixed
        mixed = settings.gae_lambda * returns[step] + (1 - settings.gae_lambda) * best[step]
    return returns
