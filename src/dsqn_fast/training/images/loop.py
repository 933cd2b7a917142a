"""Play and learn at once, in segments that a run can go on from exactly.

While one thread learns from a stretch of play, another plays the next one with the network of
before. A segment begins with games begun anew, by seeds that its number decides, and ends with a
checkpoint: a run that was interrupted and resumed computes what an uninterrupted one does.
"""

from __future__ import annotations

import copy
import json
import math
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import torch

from dsqn_fast.errors import TrainingError
from dsqn_fast.training.images.checkpoint import opened_checkpoint, write_checkpoint
from dsqn_fast.training.images.games import Games
from dsqn_fast.training.images.network import ImageNetwork
from dsqn_fast.training.images.ppo import Ppo
from dsqn_fast.training.images.pqn import Pqn
from dsqn_fast.training.images.rollout import Player, Rollout
from dsqn_fast.training.images.settings import ImageSettings
from dsqn_fast.training.network_evaluation import action_gaps
from dsqn_fast.training.run_folder import RunFolder

CHECKPOINT: Final = "checkpoint.pt"
RECENT_GAMES: Final = 100
"""Finished games that the learning curve is the mean of."""


@dataclass(frozen=True)
class ImageProgress:
    """How far a run is.

    Attributes:
        step: Decisions learned from.
        total_steps: Decisions of the whole training.
        mean_return: Mean of the last games, random actions included; None before the first.
        best: None: the last network is kept.
    """

    step: int
    total_steps: int
    mean_return: float | None
    best: None = None


@dataclass(kw_only=True, eq=False)
class ImageTraining:
    """A run.

    Attributes:
        method: ``"ppo"`` or ``"pqn"``.
        settings: Hyperparameters.
        games: Where it plays.
        seed: Seed of everything random.
        folder: Where the learning curve and the checkpoint go.
        progress: Told after every update.
        update: Updates so far.
        rows: The learning curve so far.
    """

    method: str
    settings: ImageSettings
    games: Games
    seed: int
    folder: RunFolder
    progress: Callable[[ImageProgress], None] | None = None
    update: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.network = ImageNetwork(
            self.settings,
            shape=self.games.shape,
            largest=self.games.largest,
            n_actions=self.games.n_actions,
            with_value=self.method == "ppo",
            seed=self.seed,
        )
        kind = Ppo if self.method == "ppo" else Pqn
        self.learner = kind(self.network, self.settings)
        self._player = Player(games=self.games, settings=self.settings)
        self._recent: deque[float] = deque(maxlen=RECENT_GAMES)
        self._games_done, self._seconds = 0, 0.0
        self._last_outputs = np.zeros((0, self.games.n_actions), np.float32)

    def run(self) -> ImageNetwork:
        """Learn to the end, from the last checkpoint where the folder holds one.

        Returns:
            The last network.

        Raises:
            TrainingError: The loss is not finite, or the checkpoint is damaged.
            OutputPathError: The folder cannot be written any more.
        """
        if (self.folder.path / CHECKPOINT).exists():
            self._go_back()
        self.folder.rewrite_evaluations(self.rows)
        length = max(1, self.settings.checkpoint_every // self.settings.batch)
        with ThreadPoolExecutor(1) as pool:
            while self.update < self.settings.updates:
                until = min(self.settings.updates, (self.update // length + 1) * length)
                self._segment(pool, until)
                write_checkpoint(self.folder.path / CHECKPOINT, self._checkpoint())
        return self.network

    @property
    def steps(self) -> int:
        """Decisions so far."""
        return self.update * self.settings.batch

    def action_gap(self) -> float:
        """Median of (best - second) / max abs of the outputs in the last decisions; NaN: none."""
        gaps = action_gaps(self._last_outputs)
        return float(np.median(gaps)) if len(gaps) else math.nan

    def _segment(self, pool: ThreadPoolExecutor, until: int) -> None:
        keys = np.random.SeedSequence((self.seed, self.update)).generate_state(2)
        self._player.begin(int(keys[0]) >> 1)
        rng = np.random.default_rng(int(keys[1]))
        begin = time.perf_counter()
        pending = self._play(pool)
        while self.update < until:
            rollout = pending.result()
            if self.update + 1 < until:
                pending = self._play(pool)
            share = self.update / self.settings.updates
            losses = self.learner.learn(rollout, rng, share)
            self.update += 1
            self._seconds, begin = self._seconds + time.perf_counter() - begin, time.perf_counter()
            self._note(rollout, losses)
        self._last_outputs = self.network.outputs(rollout.last).numpy()

    def _play(self, pool: ThreadPoolExecutor) -> Future[Rollout]:
        """Let the network as it is now play the next stretch."""
        frozen = copy.deepcopy(self.network).requires_grad_(False)
        choose = self.learner.policy(self.update / self.settings.updates)
        return pool.submit(self._player.play, frozen, choose)

    def _note(self, rollout: Rollout, losses: dict[str, float]) -> None:
        step = self.update * self.settings.batch
        if not all(map(math.isfinite, losses.values())):
            raise TrainingError(
                f"the loss is not finite after {step} steps ({losses}): lower learning_rate, or "
                "resume from the last checkpoint with other settings"
            )
        self._recent.extend(rollout.returns)
        self._games_done += len(rollout.returns)
        mean = float(np.mean(self._recent)) if self._recent else None
        row = {
            "step": step,
            "mean_return": mean,
            "games": self._games_done,
            "seconds": round(self._seconds, 2),
            **{name: round(value, 6) for name, value in losses.items()},
        }
        self.rows.append(row)
        self.folder.append_evaluation(row)
        if self.progress is not None:
            total = self.settings.updates * self.settings.batch
            self.progress(ImageProgress(step, total, mean))

    def _checkpoint(self) -> dict[str, Any]:
        rest = {
            "update": self.update,
            "rows": self.rows,
            "recent": list(self._recent),
            "games": self._games_done,
            "seconds": self._seconds,
        }
        return {
            "network": self.network.state_dict(),
            "optimizer": self.learner.optimizer.state_dict(),
            "last_outputs": torch.from_numpy(self._last_outputs),
            "rest": json.dumps(rest),
        }

    def _go_back(self) -> None:
        with opened_checkpoint(self.folder.path / CHECKPOINT) as state:
            self.network.load_state_dict(state["network"])
            self.learner.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
            self._last_outputs = state["last_outputs"].numpy().copy()
            rest = json.loads(state["rest"])
            self.update, self.rows = int(rest["update"]), list(rest["rows"])
            self._recent.extend(rest["recent"])
            self._games_done, self._seconds = int(rest["games"]), float(rest["seconds"])
