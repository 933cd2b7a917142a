"""Proximal policy optimisation of an actor-critic on images.

Stable-Baselines3's PPO updates and plays in turn, with float32. This loop plays the next stretch
while it learns from the last one, and has the CPU's matrix units multiply; see `loop`.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from dsqn_fast.training.images.network import ImageNetwork
from dsqn_fast.training.images.rollout import Choose, Rollout, in_pieces
from dsqn_fast.training.images.settings import ImageSettings


class Ppo:
    """Learns an actor-critic (Schulman et al., Proximal Policy Optimization Algorithms, 2017).

    What was played by an older network than the one that is updated is weighted by the ratio of
    their probabilities, while the change of the policy is bounded from the newer one (the
    decoupled objective of Hilton et al., Batch size-invariance for policy optimization, 2022).

    Args:
        network: With a value head.
        settings: Hyperparameters.
    """

    MOST_WEIGHT = 2.0
    """Bound on the weight of an action that the older network chose."""

    def __init__(self, network: ImageNetwork, settings: ImageSettings) -> None:
        self.network, self.settings = network, settings
        rate = settings.learning_rate
        self.optimizer = torch.optim.Adam(network.parameters(), rate, eps=1e-5, fused=True)

    def policy(self, progress: float) -> Choose:
        """How actions are chosen: drawn from the softmax of the outputs.

        Args:
            progress: Share of the training that is done.
        """
        return _draw

    def learn(
        self, rollout: Rollout, rng: np.random.Generator, progress: float
    ) -> dict[str, float]:
        """Update the network; returns what to log.

        Args:
            rollout: What was played.
            rng: Draws the minibatches.
            progress: Share of the training that is done.
        """
        settings = self.settings
        for group in self.optimizer.param_groups:
            group["lr"] = settings.rate_at(1.0 - progress)
        logits, values = in_pieces(self.network, rollout.flat_images)
        _, last = in_pieces(self.network, rollout.last)
        old = values.numpy().reshape(rollout.rewards.shape)
        advantages = generalised_advantages(rollout, old, last.numpy(), settings)
        batch = _Batch(rollout, logits, values, torch.from_numpy(advantages.ravel()))
        sums = {"policy_loss": 0.0, "value_loss": 0.0, "entropy": 0.0, "kl": 0.0}
        pieces = settings.batch // settings.minibatch
        for _ in range(settings.epochs):
            for rows in np.array_split(rng.permutation(settings.batch), pieces):
                for name, value in self._step(batch, torch.from_numpy(rows)).items():
                    sums[name] += value / (settings.epochs * pieces)
        return sums

    def _step(self, batch: _Batch, rows: torch.Tensor) -> dict[str, float]:
        """One gradient step."""
        settings = self.settings
        logits, value = self.network(batch.images[rows])
        assert value is not None
        logarithms = functional.log_softmax(logits, 1)
        change = logarithms.gather(1, batch.actions[rows, None]).squeeze(1) - batch.newer[rows]
        ratio = change.exp()
        advantage = batch.advantages[rows]
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
        bounded = ratio.clamp(1 - settings.ratio_clip, 1 + settings.ratio_clip)
        gain = torch.min(advantage * ratio, advantage * bounded)
        policy_loss = -(batch.weight[rows] * gain).mean()
        old, wanted = batch.values[rows], batch.values[rows] + batch.advantages[rows]
        near = old + (value - old).clamp(-settings.ratio_clip, settings.ratio_clip)
        value_loss = 0.5 * torch.max((value - wanted) ** 2, (near - wanted) ** 2).mean()
        entropy = -((logarithms.exp() * logarithms).sum(1) * batch.free[rows]).mean()
        loss = policy_loss + settings.value_weight * value_loss - settings.entropy * entropy
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), settings.clip)
        self.optimizer.step()
        return {
            "policy_loss": float(policy_loss.detach()),
            "value_loss": float(value_loss.detach()),
            "entropy": float(entropy.detach()),
            "kl": float((ratio - 1 - change).detach().mean()),
        }


def _draw(
    outputs: torch.Tensor, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The largest of the outputs with Gumbel noise is a draw from their softmax."""
    logarithms: NDArray[np.float32] = functional.log_softmax(outputs, 1).numpy()
    actions = (logarithms + rng.gumbel(size=logarithms.shape)).argmax(1)
    return actions, logarithms[np.arange(len(actions)), actions]


class _Batch:
    """A rollout as flat tensors, with what the network says of it before the update."""

    def __init__(
        self,
        rollout: Rollout,
        logits: torch.Tensor,
        values: torch.Tensor,
        advantages: torch.Tensor,
    ) -> None:
        self.images = torch.from_numpy(rollout.flat_images)
        self.actions = torch.from_numpy(rollout.actions.ravel())
        self.free = torch.from_numpy(rollout.free.ravel()).float()
        self.values, self.advantages = values, advantages
        logarithms = functional.log_softmax(logits, 1)
        self.newer = logarithms.gather(1, self.actions[:, None]).squeeze(1)
        older = torch.from_numpy(rollout.log_probability.ravel())
        self.weight = (self.newer - older).exp().clamp(max=Ppo.MOST_WEIGHT) * self.free


def generalised_advantages(
    rollout: Rollout,
    values: NDArray[np.float32],
    last: NDArray[np.float32],
    settings: ImageSettings,
) -> NDArray[np.float32]:
    """A[t] = d[t] + gamma * lambda * A[t+1], d[t] = r[t] + gamma * V[t+1] - V[t].

    What follows an end counts as 0 (Schulman et al., High-dimensional continuous control using
    generalized advantage estimation, 2016).

    Args:
        rollout: Rewards and ends, (horizon, n_envs).
        values: V of the images that were decided on, (horizon, n_envs).
        last: V after the last decision, (n_envs,).
        settings: gamma and gae_lambda.

    Returns:
        (horizon, n_envs) float32.
    """
    advantages = np.zeros_like(values)
    running, following = np.zeros_like(last), last
    for step in reversed(range(len(values))):
        goes_on = ~rollout.ended[step]
        error = rollout.rewards[step] + settings.gamma * following * goes_on - values[step]
        running = error + settings.gamma * settings.gae_lambda * goes_on * running
        advantages[step], following = running, values[step]
    return advantages
