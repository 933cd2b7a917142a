"""Deep Q-learning in segments that a run can go on from exactly, as `loop` has them.

A segment begins with games begun anew and with random numbers that its first step decides, and
ends with a checkpoint, which holds the replay memory too.
"""

from __future__ import annotations

import copy
import json
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.utils import set_random_seed

from dsqn_fast.model import AnnModel
from dsqn_fast.training.images.checkpoint import opened_checkpoint, write_checkpoint
from dsqn_fast.training.images.dqn import ImageQLearning
from dsqn_fast.training.images.dqn_settings import ImageDqnSettings
from dsqn_fast.training.images.games import Games
from dsqn_fast.training.images.games_vec_env import GamesVecEnv
from dsqn_fast.training.images.loop import CHECKPOINT, RECENT_GAMES, ImageProgress
from dsqn_fast.training.network_evaluation import action_gaps
from dsqn_fast.training.run_folder import RunFolder

_ROWS: Final = 500
"""Rows of the learning curve at most."""
_COUNTERS: Final = ("num_timesteps", "_n_updates", "_episode_num", "_n_calls", "exploration_rate")
_GAP_STATES: Final = 256


class _Clock(BaseCallback):
    """Ends a segment, and tells of the steps between."""

    def __init__(self, until: int, told: Callable[[int], None]) -> None:
        super().__init__()
        self._until, self._told = until, told

    def _on_step(self) -> bool:
        self._told(self.num_timesteps)
        return self.num_timesteps < self._until


@dataclass(kw_only=True, eq=False)
class DqnTraining:
    """One run.

    Attributes:
        settings: Hyperparameters.
        games: Where it plays.
        seed: Seed of everything random.
        folder: Where the learning curve and the checkpoint go.
        progress: Told now and then.
        rows: The learning curve so far.
    """

    settings: ImageDqnSettings
    games: Games
    seed: int
    folder: RunFolder
    progress: Callable[[ImageProgress], None] | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        settings = self.settings
        self._env = GamesVecEnv(self.games, settings.n_envs, clip_rewards=settings.clip_rewards)
        self.algorithm = ImageQLearning(self._env, settings=settings, seed=self.seed)
        self._recent: deque[float] = deque(maxlen=RECENT_GAMES)
        self._games_done, self._before, self._began = 0, 0.0, 0.0
        self._spacing = max(settings.n_envs, settings.total_steps // _ROWS)

    @property
    def steps(self) -> int:
        """Decisions so far."""
        return self.algorithm.num_timesteps

    def run(self) -> ImageQLearning:
        """Learn to the end, from the last checkpoint where the folder holds one.

        Returns:
            The algorithm with the last network.

        Raises:
            TrainingError: The loss is not finite, or the checkpoint is damaged.
            OutputPathError: The folder cannot be written any more.
        """
        settings = self.settings
        if (self.folder.path / CHECKPOINT).exists():
            self._go_back()
        self.folder.rewrite_evaluations(self.rows)
        self._began = time.perf_counter()
        while self.steps < settings.total_steps:
            number = self.steps // settings.checkpoint_every
            self._segment(min(settings.total_steps, (number + 1) * settings.checkpoint_every))
            write_checkpoint(self.folder.path / CHECKPOINT, self._checkpoint())
        return self.algorithm

    @property
    def seconds(self) -> float:
        """Of training so far, checkpoints included, also before an interruption."""
        return self._before + time.perf_counter() - self._began

    def export(self, **names: Any) -> AnnModel:
        """The last network; see `ImageQLearning.export`."""
        return self.algorithm.export(**names)

    def action_gap(self) -> float:
        """Median of (best - second) / max abs of the Q-values on remembered states; NaN: none."""
        if not self.algorithm.memory.size():
            return math.nan
        key = np.random.SeedSequence((self.seed, self.steps, 1)).generate_state(1)[0]
        self.algorithm.memory.begin(int(key))  # a resumed run draws the same states
        states = self.algorithm.memory.sample(_GAP_STATES).observations.cpu().numpy()
        return float(np.median(action_gaps(self.algorithm.outputs(states))))

    def _segment(self, until: int) -> None:
        keys = np.random.SeedSequence((self.seed, self.steps)).generate_state(3)
        algorithm = self.algorithm
        set_random_seed(int(keys[0]))
        algorithm.action_space.seed(int(keys[0]))
        self._env.begin(int(keys[1]) >> 1)
        algorithm.memory.begin(int(keys[2]))
        algorithm._last_obs = None  # begins the games anew
        algorithm.learn(
            self.settings.total_steps - self.steps,
            callback=_Clock(until, self._tell),
            reset_num_timesteps=self.steps == 0,
        )

    def _tell(self, step: int) -> None:
        last = self.rows[-1]["step"] if self.rows else 0
        if step - last < self._spacing and step < self.settings.total_steps:
            return
        self._recent.extend(self._env.returns)
        self._games_done += len(self._env.returns)
        self._env.returns.clear()
        mean = float(np.mean(self._recent)) if self._recent else None
        row = {
            "step": step,
            "mean_return": mean,
            "games": self._games_done,
            "seconds": round(self.seconds, 2),
            "epsilon": round(self.algorithm.exploration_rate, 4),
        }
        self.rows.append(row)
        self.folder.append_evaluation(row)
        if self.progress is not None:
            self.progress(ImageProgress(step, self.settings.total_steps, mean))

    def _checkpoint(self) -> dict[str, Any]:
        algorithm = self.algorithm
        rest = {
            "counters": {name: getattr(algorithm, name) for name in _COUNTERS},
            "rows": self.rows,
            "recent": list(self._recent),
            "returns": self._env.returns,
            "games": self._games_done,
            "seconds": self.seconds,
        }
        return {
            "policy": algorithm.policy.state_dict(),
            "optimizer": algorithm.policy.optimizer.state_dict(),
            "memory": algorithm.memory.state(),
            "rest": json.dumps(rest),
        }

    def _go_back(self) -> None:
        algorithm = self.algorithm
        with opened_checkpoint(self.folder.path / CHECKPOINT) as state:
            algorithm.policy.load_state_dict(state["policy"])
            algorithm.policy.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
            algorithm.memory.restore(state["memory"])
            rest = json.loads(state["rest"])
            for name in _COUNTERS:
                setattr(algorithm, name, rest["counters"][name])
            self.rows = list(rest["rows"])
            self._recent.extend(rest["recent"])
            self._env.returns.extend(rest["returns"])
            self._games_done, self._before = int(rest["games"]), float(rest["seconds"])
