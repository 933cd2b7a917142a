"""PPO's loop on images beside Stable-Baselines3's PPO: decisions per second of training.

    OMP_NUM_THREADS=1 python benchmarks/ppo_loop.py

Both learn the same network from the same games with the same numbers of games, epochs and
decisions. They take turns: one update of the one (playing and learning), then one of the other.
The loop here plays in a second thread while it learns, so it can use two cores; the processor time
beside the seconds tells how much of a gain comes from there.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import stable_baselines3
import torch
from numpy.typing import NDArray
from stable_baselines3 import PPO

from dsqn_fast.training.images.games import Games, Images, Outcome, make_games
from dsqn_fast.training.images.games_vec_env import GamesVecEnv
from dsqn_fast.training.images.loop import ImageProgress, ImageTraining
from dsqn_fast.training.images.settings import ImageSettings, image_preset
from dsqn_fast.training.run_folder import RunFolder


@dataclass
class Times:
    """What updates took, in seconds of the clock and of the processors."""

    title: str
    update: Callable[[], None]
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def turn(self) -> None:
        """Time one update."""
        wall, cpu = time.perf_counter(), time.process_time()
        self.update()
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(time.process_time() - cpu)


class CountedGames:
    """Games that count their steps."""

    def __init__(self, games: Games) -> None:
        self._games, self.steps = games, threading.Semaphore(0)
        self.shape, self.largest = games.shape, games.largest
        self.n_actions, self.force = games.n_actions, games.force

    def reset(self, seed: int) -> Images:
        """As of `Games`."""
        return self._games.reset(seed)

    def step(self, actions: NDArray[np.int64]) -> Outcome:
        """As of `Games`."""
        outcome = self._games.step(actions)
        self.steps.release()
        return outcome

    def close(self) -> None:
        """As of `Games`."""
        self._games.close()


class PausedLoop:
    """`ImageTraining` that stops after every update, when the next stretch has been played too."""

    def __init__(self, env_id: str, settings: ImageSettings, folder: str, seed: int) -> None:
        self._games = CountedGames(make_games(env_id, settings.n_envs, lives=settings.lives))
        self._go, self._done = threading.Semaphore(0), threading.Semaphore(0)
        self._awaited = 2 * settings.horizon  # by the first update two stretches were played
        self._horizon, self._ends = settings.horizon, False
        self._failure: BaseException | None = None
        training = ImageTraining(
            method="ppo",
            settings=settings,
            games=self._games,
            seed=seed,
            folder=RunFolder(folder),
            progress=self._pause,
        )
        self._thread = threading.Thread(target=self._run, args=(training,))
        self._thread.start()

    def update(self) -> None:
        """One update."""
        self._go.release()
        self._done.acquire()
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """End the run."""
        self._ends = True
        self._go.release()
        self._thread.join()
        self._games.close()

    def _run(self, training: ImageTraining) -> None:
        self._go.acquire()
        try:
            if not self._ends:
                training.run()
        except BaseException as error:  # told where the update was asked for
            self._failure = error
        self._done.release()

    def _pause(self, progress: ImageProgress) -> None:
        for _ in range(self._awaited):
            self._games.steps.acquire()
        self._awaited = self._horizon
        self._done.release()
        self._go.acquire()
        if self._ends:
            raise InterruptedError(f"ended after {progress.step} decisions")


class ForcedVecEnv(GamesVecEnv):
    """Presses FIRE where the loop here does."""

    def step_async(self, actions: NDArray[Any]) -> None:
        """Note what is done next."""
        super().step_async(np.where(self.forced, self.games.force, actions))


def sb3_update(env_id: str, settings: ImageSettings, seed: int) -> Callable[[], None]:
    """One update of Stable-Baselines3's PPO per call."""
    games = make_games(env_id, settings.n_envs, lives=settings.lives)
    model = PPO(
        "CnnPolicy",
        ForcedVecEnv(games, settings.n_envs, clip_rewards=settings.clip_rewards),
        learning_rate=settings.learning_rate,
        n_steps=settings.horizon,
        batch_size=settings.minibatch,
        n_epochs=settings.epochs,
        gamma=settings.gamma,
        gae_lambda=settings.gae_lambda,
        clip_range=settings.ratio_clip,
        clip_range_vf=settings.ratio_clip,
        ent_coef=settings.entropy,
        vf_coef=settings.value_weight,
        max_grad_norm=settings.clip,
        seed=seed,
        device="cpu",
    )

    def update() -> None:
        model.learn(settings.batch, reset_num_timesteps=False)

    return update


def table(rows: list[Times], decisions: int) -> list[str]:
    """Markdown: medians over updates, and the ratio of a pair of turns to the first row."""
    lines = [
        "| loop | decisions per second | quartiles | × SB3 | processor ms per decision |",
        "|---|---|---|---|---|",
    ]
    first = np.array(rows[0].wall)
    for one in rows:
        rates = decisions / np.array(one.wall)
        low, middle, high = np.percentile(rates, [25, 50, 75])
        ratio = np.median(first / np.array(one.wall))
        cpu = 1e3 * np.median(one.cpu) / decisions
        lines.append(
            f"| {one.title} | {middle:.0f} | {low:.0f} - {high:.0f} | {ratio:.2f} | {cpu:.2f} |"
        )
    return lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="PPO here beside Stable-Baselines3's.")
    parser.add_argument("--env", default="ALE/Breakout-v5")
    parser.add_argument("--updates", type=int, default=6, help="timed ones of each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--float32", action="store_true", help="leave bfloat16 out")
    options = parser.parse_args()
    torch.set_num_threads(1)
    settings = image_preset("ppo").changed({"device": "cpu"})
    # One before that is not timed, and one after that is not made: every timed one plays too.
    settings = settings.changed({"total_steps": (options.updates + 2) * settings.batch})
    plain = settings.changed({"bfloat16": False})
    loops = {"here, float32": plain}
    if not options.float32:
        loops["here, bfloat16"] = settings.changed({"bfloat16": True})
    with contextlib.ExitStack() as stack:
        rows = [Times("Stable-Baselines3", sb3_update(options.env, plain, options.seed))]
        for title, chosen in loops.items():
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            loop = PausedLoop(options.env, chosen, folder, options.seed)
            stack.callback(loop.close)
            rows.append(Times(title, loop.update))
        load = os.getloadavg()[0]
        for _ in range(options.updates + 1):
            for row in rows:
                row.turn()
    for row in rows:
        del row.wall[0], row.cpu[0]
    print(
        f"{options.env}, {options.updates} updates of {settings.batch} decisions each; "
        f"{os.cpu_count()} cores, load {load:.1f}, torch {torch.__version__}, "
        f"stable-baselines3 {stable_baselines3.__version__}\n"
    )
    print("\n".join(table(rows, settings.batch)))


if __name__ == "__main__":
    main()
