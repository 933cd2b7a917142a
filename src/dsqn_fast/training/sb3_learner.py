"""A learner of Stable-Baselines3 behind the interface of `Learner`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import configure
from stable_baselines3.common.vec_env import DummyVecEnv

from dsqn_fast.training.network_evaluation import Network
from dsqn_fast.training.plan import TrainingPlan
from dsqn_fast.training.replayable_environment import ReplayableEnvironment
from dsqn_fast.training.schedule import Schedule
from dsqn_fast.training.settings import TrainingSettings
from dsqn_fast.training.training_environment import input_scaling

TENSORBOARD: Final = "tensorboard"


class ScheduleCallback(BaseCallback):
    """Tells a schedule of Stable-Baselines3's steps."""

    def __init__(self, schedule: Schedule) -> None:
        super().__init__()
        self.schedule = schedule

    def _on_rollout_start(self) -> None:
        self.schedule.between(self.model.num_timesteps)

    def _on_step(self) -> bool:
        self.schedule.after(self.num_timesteps)
        return True


class SB3Learner(ABC):
    """Counters, networks, optimiser, environments and log of any of its algorithms.

    Args:
        algorithm: A new one.
        plan: What to do.
        folder: The run's folder, where the log goes.
    """

    counters: ClassVar[tuple[str, ...]] = (
        "num_timesteps",
        "_n_updates",
        "_episode_num",
        "_current_progress_remaining",
    )

    def __init__(self, algorithm: BaseAlgorithm, plan: TrainingPlan, folder: Path) -> None:
        self.algorithm, self.plan = algorithm, plan
        algorithm.set_logger(configure(str(folder / TENSORBOARD), ["tensorboard"]))
        space = algorithm.observation_space
        assert space is not None
        assert space.shape is not None
        assert isinstance(plan.settings, TrainingSettings)
        self.scaling = input_scaling(plan.settings, space.shape[0])

    @property
    def steps(self) -> int:
        """Environment steps done."""
        return self.algorithm.num_timesteps

    def learn(self, schedule: Schedule) -> None:
        """See `Learner`."""
        wanted = schedule.total_steps - self.steps
        callback = ScheduleCallback(schedule)
        self.algorithm.learn(wanted, callback=callback, reset_num_timesteps=self.steps == 0)

    @abstractmethod
    def network(self, provenance: Mapping[str, Any]) -> Network:
        """See `Learner`."""

    def log(self, values: Mapping[str, float]) -> None:
        """See `Learner`."""
        for name, value in values.items():
            self.algorithm.logger.record(name, value)
        self.algorithm.logger.dump(self.steps)

    def replay(self) -> NDArray[Any] | None:
        """None: there is no memory."""
        return None

    def state(self) -> dict[str, Any]:
        """See `Learner`."""
        actions = self.algorithm.action_space.np_random
        return {
            "policy": self.algorithm.policy.state_dict(),
            "optimizer": self.algorithm.policy.optimizer.state_dict(),
            "counters": {name: getattr(self.algorithm, name) for name in self.counters},
            "moments": [env.moment() for env in self._environments()],
            "starts": [bool(start) for start in self._episode_starts()],
            "actions": actions.bit_generator.state,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """See `Learner`."""
        self.algorithm.policy.load_state_dict(state["policy"])
        self.algorithm.policy.optimizer.load_state_dict(state["optimizer"])
        for name in self.counters:
            setattr(self.algorithm, name, state["counters"][name])
        pairs = zip(self._environments(), state["moments"], strict=True)
        self.algorithm._last_obs = np.stack([env.come_back(moment) for env, moment in pairs])
        self.algorithm._last_episode_starts = np.array(state["starts"], bool)
        self.algorithm.action_space.np_random.bit_generator.state = state["actions"]

    def _environments(self) -> list[ReplayableEnvironment]:
        assert isinstance(self.algorithm.env, DummyVecEnv)
        envs = self.algorithm.env.envs
        return [env for env in envs if isinstance(env, ReplayableEnvironment)]

    def _episode_starts(self) -> NDArray[np.bool_]:
        starts = self.algorithm._last_episode_starts
        assert starts is not None
        return starts
