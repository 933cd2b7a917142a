"""Stable-Baselines3's DQN with the update rules that it lacks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import torch
from stable_baselines3 import DQN
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv
from stable_baselines3.dqn.policies import DQNPolicy
from torch.nn import functional

from dsqn_fast.environments import Environment
from dsqn_fast.errors import TrainingError
from dsqn_fast.training.devices import chosen_device
from dsqn_fast.training.dqn_settings import DqnSettings

_LOSSES: Final = {"huber": functional.smooth_l1_loss, "squared": functional.mse_loss}
_NEVER: Final = 2**62


class QLearning(DQN):
    """DQN that follows `DqnSettings`: double Q (van Hasselt 2016), losses, clipping, schedules.

    Args:
        env: Where it learns.
        settings: How.
        seed: Of the weights, the exploration, the replay memory's draws and the environment.
        policy: Stable-Baselines3's policy, by name or class.
        policy_options: More options of the policy.
        options: More options of Stable-Baselines3's DQN, or others than the settings'.
    """

    def __init__(
        self,
        env: Environment | VecEnv,
        *,
        settings: DqnSettings,
        seed: int,
        policy: str | type[DQNPolicy] = "MlpPolicy",
        policy_options: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.settings = settings
        by_steps = settings.target_unit == "steps"
        shape = {"net_arch": list(settings.hidden), "activation_fn": torch.nn.ReLU}
        chosen: dict[str, Any] = {
            "learning_rate": settings.rate_at,
            "buffer_size": settings.buffer_size,
            "learning_starts": settings.learning_starts,
            "batch_size": settings.batch_size,
            "tau": settings.tau,
            "gamma": settings.gamma,
            "train_freq": settings.train_every,
            "gradient_steps": settings.gradient_steps,
            "n_steps": settings.n_step,
            "target_update_interval": settings.target_every if by_steps else _NEVER,
            "exploration_fraction": settings.epsilon_fraction,
            "exploration_initial_eps": settings.epsilon_start,
            "exploration_final_eps": settings.epsilon_end,
            "max_grad_norm": settings.clip,
            "policy_kwargs": {**shape, **(policy_options or {})},
            "seed": seed,
            "device": chosen_device(settings.device),
        }
        super().__init__(policy, env, **{**chosen, **(options or {})})
        if settings.epsilon_decay is not None:
            self.exploration_schedule = self._decaying_epsilon

    def _decaying_epsilon(self, remaining: float) -> float:
        steps = (1.0 - remaining) * self.settings.total_steps
        decay = float(self.settings.epsilon_decay or 0.0)
        decayed = self.settings.epsilon_start * decay**steps
        return float(max(self.settings.epsilon_end, decayed))

    def _on_step(self) -> None:
        # Stable-Baselines3 counts an episode only after this call.
        super()._on_step()
        if self.settings.target_unit == "steps":
            return
        assert isinstance(self.env, DummyVecEnv)
        due = (self._episode_num + 1) % self.settings.target_every == 0
        if self.env.buf_dones[0] and due:
            with torch.no_grad():
                pairs = zip(self.q_net.parameters(), self.q_net_target.parameters(), strict=True)
                for online, target in pairs:
                    target.lerp_(online, self.settings.tau)

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """Make ``gradient_steps`` updates from batches drawn out of the replay memory.

        Raises:
            TrainingError: The loss is NaN or infinite; the weights are those before that step.
        """
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        assert self.replay_buffer is not None
        total = 0.0
        for _ in range(gradient_steps):
            batch = self.replay_buffer.sample(batch_size)
            total += self._update(self._loss(batch))
        self._n_updates += gradient_steps
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.logger.record("train/loss", total / gradient_steps)

    def _loss(self, batch: Any) -> torch.Tensor:
        """What is made smaller for a batch out of the replay memory."""
        return self._error(self.q_net(batch.observations), batch)

    def _error(self, values: torch.Tensor, batch: Any) -> torch.Tensor:
        """How far Q-values (B, n) are from their targets, for the actions that were taken."""
        taken = values.gather(1, batch.actions.long())
        return _LOSSES[self.settings.loss](taken, self._targets(batch))

    @torch.no_grad()
    def _targets(self, batch: Any) -> torch.Tensor:
        """Returns (B, 1) that the chosen Q-values should have: r + gamma * Q(s', a')."""
        following = self.q_net_target(batch.next_observations)
        double_q = self.settings.double_q
        chooser = self.q_net(batch.next_observations) if double_q else following
        value = following.gather(1, chooser.argmax(dim=1, keepdim=True))
        discount = self.gamma if batch.discounts is None else batch.discounts
        target: torch.Tensor = batch.rewards + (1 - batch.dones) * discount * value
        return target

    def _update(self, loss: torch.Tensor) -> float:
        """One gradient step; returns the loss."""
        value = loss.item()
        if not math.isfinite(value):
            raise TrainingError(
                f"the loss became {value} at step {self.num_timesteps}, where a finite number is "
                "needed: lower learning_rate or check the environment's rewards"
            )
        self.policy.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if self.settings.clipping == "norm":
            torch.nn.utils.clip_grad_norm_(self.q_net.parameters(), self.settings.clip)
        else:
            torch.nn.utils.clip_grad_value_(self.q_net.parameters(), self.settings.clip)
        self.policy.optimizer.step()
        return value
