"""Training on images, from the environment's name to the spiking policy."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dsqn_fast.importers.extras import import_extra
from dsqn_fast.model import AnnModel, Conv2d
from dsqn_fast.model.options import check_choice
from dsqn_fast.training.images.config import run_config, run_name
from dsqn_fast.training.images.dqn_settings import (
    DQN_METHODS,
    ImageDqnSettings,
    image_dqn_preset,
)
from dsqn_fast.training.images.finish import finish
from dsqn_fast.training.images.settings import ImageSettings, image_preset
from dsqn_fast.training.plan import DEFAULT_N_STEPS
from dsqn_fast.training.report import TrainingReport
from dsqn_fast.training.run_folder import RunFolder
from dsqn_fast.training.torch_threads import one_thread
from dsqn_fast.training.versions import git_state, versions

if TYPE_CHECKING:
    from dsqn_fast.training.images.dqn_loop import DqnTraining
    from dsqn_fast.training.images.loop import ImageProgress, ImageTraining

PREPROCESSING: Final[Mapping[str, Any]] = {"name": "mnih", "unit": True}
"""Of Atari games: frames from 0 to 1, which any encoding can carry."""


def train_on_images(
    method: str,
    env_id: str,
    *,
    seed: int = 0,
    preset: str = "default",
    changes: Mapping[str, Any] | None = None,
    n_steps: int | None = DEFAULT_N_STEPS,
    out: str | Path | None = None,
    resume: bool = False,
    progress: Callable[[ImageProgress], None] | None = None,
) -> TrainingReport:
    """Train a convolutional network on a game that is seen as images.

    The same seed gives the same weights on the same machine and versions, also where the run was
    interrupted and resumed.

    Args:
        method: ``"ppo"``, ``"pqn"``, ``"dqn"`` or ``"double-dqn"``.
        env_id: An Atari game, or an environment with images of bytes.
        seed: Seed of everything random, 0 <= seed < 2**32.
        preset: ``"default"``, the only one here.
        changes: Settings that differ from it, also as text; see `ImageSettings` and
            `ImageDqnSettings`.
        n_steps: Time steps T that the network is converted for, as ``policy.npz`` in the run's
            folder, with a channel's 0.999 quantile and half a threshold to start with; None to
            train only.
        out: Folder of the run, see `RunFolder`; None names one below ``runs``.
        resume: Go on with the unfinished run in that folder, from its last checkpoint.
        progress: Called after every update.

    Raises:
        MissingExtraError: torch, Stable-Baselines3 for ``dqn``, or what the environment needs, is
            not installed.
        UnknownEnvironmentError: No environment has that id.
        EnvironmentMismatchError: The environment shows no images.
        OptionError: A setting, the method or the seed does not exist or is out of range.
        OutputPathError: The folder cannot be written or already holds a run.
        TrainingError: The loss is not finite, or there is no run to resume, or it is another
            one, or its checkpoint is damaged.
    """
    for module in ("torch", *(("stable_baselines3",) if method in DQN_METHODS else ())):
        import_extra(module, extra="train", needed_for="training")
    from dsqn_fast.training.images.games import make_games

    check_choice("preset", preset, ("default",))
    start = image_dqn_preset(method) if method in DQN_METHODS else image_preset(method)
    settings = start.changed(changes or {})
    config = run_config(method, env_id, seed, settings, changes or {}, n_steps)
    games = make_games(env_id, settings.n_envs, lives=settings.lives)
    folder = RunFolder(Path("runs") / run_name(method, env_id, seed) if out is None else out)
    made_with = {"versions": versions(), "git": git_state()}
    training = _training(method, settings, games=games, seed=seed, folder=folder, progress=progress)
    if resume:
        folder.check_resumable(config)
    else:
        folder.create(config, made_with)
    clocks = time.perf_counter(), time.process_time()
    with one_thread():
        network = training.run()
    games.close()
    if env_id.startswith("ALE/"):
        ann = network.export(env_id=env_id, preprocessing=PREPROCESSING)
    else:
        largest = 255.0 if method in DQN_METHODS else games.largest
        ann = in_bytes(network.export(env_id=env_id), largest)
    trained = {**config, **made_with, "steps": training.steps}
    return finish(
        replace(ann, provenance={"trained": trained}),
        config,
        rows=training.rows,
        gap=training.action_gap(),
        folder=folder,
        clocks=clocks,
    )


def _training(
    method: str, settings: ImageSettings | ImageDqnSettings, **parts: Any
) -> ImageTraining | DqnTraining:
    """A new run of a method, with the parts that all have."""
    if isinstance(settings, ImageSettings):
        from dsqn_fast.training.images.loop import ImageTraining

        return ImageTraining(method=method, settings=settings, **parts)
    from dsqn_fast.training.images.dqn_loop import DqnTraining

    return DqnTraining(settings=settings, **parts)


def in_bytes(ann: AnnModel, largest: float) -> AnnModel:
    """The same network for images of bytes: the first layer divides by the largest value."""
    first = ann.layers[0]
    assert isinstance(first, Conv2d)
    scaled = replace(first, weight=(first.weight / largest).astype(first.weight.dtype))
    return replace(ann, layers=(scaled, *ann.layers[1:]))
