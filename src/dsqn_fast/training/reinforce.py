"""REINFORCE (Williams 1992): the policy gradient of whole episodes, with torch.

For n episodes that end at T_e, with R_e[t] = sum over k >= t of gamma**(k - t) * r_e[k]::

    gradient of  1/n * sum over e and t of  log pi(a_e[t] | x_e[t]) * (R_e[t] - b_e[t]) / spread
                 + entropy * mean entropy of pi

b_e[t] is 0, or the mean over the other episodes of R[t] (0 where they have ended), which does not
depend on the episode's own actions. The spread is the root mean square of all R - b, so that the
step does not depend on the unit of the rewards.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.logger import configure

from dsqn_fast.environments import Environment
from dsqn_fast.errors import TrainingError
from dsqn_fast.training.actor_settings import ReinforceSettings
from dsqn_fast.training.network_evaluation import Network
from dsqn_fast.training.network_export import export_network
from dsqn_fast.training.plan import TrainingPlan
from dsqn_fast.training.sb3_learner import TENSORBOARD
from dsqn_fast.training.schedule import Schedule
from dsqn_fast.training.training_environment import input_scaling


@dataclass(frozen=True, kw_only=True, eq=False)
class Episodes:
    """Episodes side by side, padded to the longest of them.

    Attributes:
        observations: (T, n, inputs) float32.
        actions: (T, n) int64.
        rewards: (T, n) float64, 0 after an episode's end.
        playing: (T, n) whether the episode had this step.
    """

    observations: NDArray[np.float32]
    actions: NDArray[np.int64]
    rewards: NDArray[np.float64]
    playing: NDArray[np.bool_]


def advantages(episodes: Episodes, gamma: float, baseline: str) -> NDArray[np.float64]:
    """(R - b) / spread of every step (T, n); 0 where an episode has ended."""
    returns = np.zeros_like(episodes.rewards)
    following = np.zeros(returns.shape[1])
    for t in range(len(returns) - 1, -1, -1):
        following = returns[t] = episodes.rewards[t] + gamma * following
    if baseline == "step":
        others = returns.sum(axis=1, keepdims=True) - returns
        returns = returns - others / (returns.shape[1] - 1)
    steps = returns[episodes.playing]
    spread = math.sqrt(float(np.mean(steps**2)))
    return np.where(episodes.playing, returns, 0.0) / max(spread, 1e-12)


class Reinforce:
    """REINFORCE as a `Learner`.

    Args:
        plan: What to do.
        envs: As many environments as episodes are played for one update.
        folder: The run's folder, where the log goes.
    """

    def __init__(self, plan: TrainingPlan, envs: list[Environment], folder: Path) -> None:
        settings, space, actions = plan.settings, envs[0].observation_space, envs[0].action_space
        assert isinstance(settings, ReinforceSettings)
        assert isinstance(space, spaces.Box)
        assert isinstance(actions, spaces.Discrete)
        self.plan, self.settings, self.envs, self.steps = plan, settings, envs, 0
        self.scaling = input_scaling(settings, space.shape[0])
        torch.manual_seed(plan.seed)
        sizes = (space.shape[0], *settings.hidden, int(actions.n))
        linear = [torch.nn.Linear(*pair) for pair in itertools.pairwise(sizes)]
        relu = [torch.nn.ReLU() for _ in linear[1:]]
        pairs = itertools.zip_longest(linear, relu)
        modules = [module for pair in pairs for module in pair if module is not None]
        self.actor = torch.nn.Sequential(*modules)
        self.optimizer = torch.optim.Adam(self.actor.parameters(), settings.learning_rate)
        self.logger = configure(str(folder / TENSORBOARD), ["tensorboard"])
        for index, env in enumerate(envs):
            seed = np.random.SeedSequence((plan.seed, index)).generate_state(1)[0]
            env.reset(seed=int(seed))

    def learn(self, schedule: Schedule) -> None:
        """See `Learner`."""
        while self.steps < schedule.total_steps:
            schedule.between(self.steps)
            episodes = self._play(schedule)
            self._update(episodes)

    def network(self, provenance: Mapping[str, Any]) -> Network:
        """See `Learner`."""
        return export_network(
            self.actor, scaling=self.scaling, env_id=self.plan.env_id, provenance=provenance
        )

    def log(self, values: Mapping[str, float]) -> None:
        """See `Learner`."""
        for name, value in values.items():
            self.logger.record(name, value)
        self.logger.dump(self.steps)

    def replay(self) -> NDArray[Any] | None:
        """None: there is no memory."""
        return None

    def state(self) -> dict[str, Any]:
        """See `Learner`."""
        return {
            "actor": self.actor.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "steps": self.steps,
            "environments": [env.unwrapped.np_random.bit_generator.state for env in self.envs],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """See `Learner`."""
        self.actor.load_state_dict(state["actor"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.steps = int(state["steps"])
        for env, random_state in zip(self.envs, state["environments"], strict=True):
            env.unwrapped.np_random.bit_generator.state = random_state

    def _play(self, schedule: Schedule) -> Episodes:
        """One episode in every environment, with the actor's probabilities."""
        seen = np.stack([env.reset()[0] for env in self.envs]).astype(np.float32)
        alive = np.ones(len(self.envs), bool)
        rows: list[tuple[NDArray[Any], ...]] = []
        while alive.any():
            with torch.no_grad():
                chances = torch.softmax(self.actor(torch.from_numpy(seen)), dim=1)
                actions = torch.multinomial(chances, 1)[:, 0].numpy()
            rewards, before, playing = np.zeros(len(alive)), seen.copy(), alive.copy()
            for slot in np.flatnonzero(alive):
                seen[slot], reward, ended, cut, _ = self.envs[slot].step(int(actions[slot]))
                rewards[slot], alive[slot] = float(reward), not (ended or cut)
            rows.append((before, actions, rewards, playing))
            self.steps += int(playing.sum())
            schedule.after(self.steps)
        columns = [np.stack(column) for column in zip(*rows, strict=True)]
        observations, actions, rewards, playing = columns
        return Episodes(
            observations=observations, actions=actions, rewards=rewards, playing=playing
        )

    def _update(self, episodes: Episodes) -> None:
        """One gradient step.

        Raises:
            TrainingError: The loss is NaN or infinite; the weights are those before that step.
        """
        settings, playing = self.settings, episodes.playing
        gains = advantages(episodes, settings.gamma, settings.baseline)[playing]
        inputs = torch.from_numpy(episodes.observations[playing])
        chances = torch.log_softmax(self.actor(inputs), dim=1)
        taken = torch.from_numpy(episodes.actions[playing])[:, None]
        gained = chances.gather(1, taken)[:, 0] * torch.from_numpy(gains.astype(np.float32))
        entropy = -(chances.exp() * chances).sum(dim=1).mean()
        loss = -gained.sum() / playing.shape[1] - settings.entropy * entropy
        if not math.isfinite(loss.item()):
            raise TrainingError(
                f"the loss became {loss.item()} at step {self.steps}, where a finite number is "
                "needed: lower learning_rate or check the environment's rewards"
            )
        remaining = max(0.0, 1.0 - self.steps / settings.total_steps)
        for group in self.optimizer.param_groups:
            group["lr"] = settings.rate_at(remaining)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.actor.parameters(), settings.clip)
        self.optimizer.step()
        lengths, returns = playing.sum(axis=0), episodes.rewards.sum(axis=0)
        self.log(
            {
                "rollout/ep_len_mean": float(lengths.mean()),
                "rollout/ep_rew_mean": float(returns.mean()),
                "train/loss": loss.item(),
                "train/entropy": entropy.item(),
            }
        )
