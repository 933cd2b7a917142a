"""Training on images, from the environment's name to the spiking policy."""

from __future__ import annotations

import io
import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dsqn_fast.agents import AnnAgent, SpikingAgent
from dsqn_fast.conversion import convert
from dsqn_fast.errors import MissingExtraError, OptionError
from dsqn_fast.evaluation import EvaluationReport, evaluate
from dsqn_fast.importers.extras import import_extra
from dsqn_fast.model import AnnModel, Conv2d
from dsqn_fast.model.options import check_choice, check_n_steps
from dsqn_fast.run_options import check_seed
from dsqn_fast.training.images.settings import ImageSettings, image_preset
from dsqn_fast.training.network_evaluation import NetworkEvaluation
from dsqn_fast.training.plan import DEFAULT_N_STEPS
from dsqn_fast.training.report import TrainingReport
from dsqn_fast.training.run_folder import RunFolder
from dsqn_fast.training.torch_threads import one_thread
from dsqn_fast.training.versions import git_state, versions

if TYPE_CHECKING:
    from dsqn_fast.training.images.loop import ImageProgress, ImageTraining

POLICY: Final = "policy.npz"
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
        method: ``"ppo"`` or ``"pqn"``.
        env_id: An Atari game, or an environment with images of bytes.
        seed: Seed of everything random, 0 <= seed < 2**32.
        preset: ``"default"``, the only one here.
        changes: Settings that differ from it, also as text; see `ImageSettings`.
        n_steps: Time steps T that the network is converted for, as ``policy.npz`` in the run's
            folder, with a channel's 0.999 quantile and half a threshold to start with; None to
            train only.
        out: Folder of the run, see `RunFolder`; None names one below ``runs``.
        resume: Go on with the unfinished run in that folder, from its last checkpoint.
        progress: Called after every update.

    Raises:
        MissingExtraError: torch, or what the environment needs, is not installed.
        UnknownEnvironmentError: No environment has that id.
        EnvironmentMismatchError: The environment shows no images.
        OptionError: A setting, the method or the seed does not exist or is out of range.
        OutputPathError: The folder cannot be written or already holds a run.
        TrainingError: The loss is not finite, or there is no run to resume, or it is another
            one, or its checkpoint is damaged.
    """
    import_extra("torch", extra="train", needed_for="training")
    from dsqn_fast.training.images.games import make_games
    from dsqn_fast.training.images.loop import ImageTraining

    check_choice("preset", preset, ("default",))
    settings = image_preset(method).changed(changes or {})
    if check_seed(seed) >= 2**32:
        raise OptionError(f"a training seed must be below 2**32, not {seed}")
    n_steps = None if n_steps is None else check_n_steps(n_steps)
    config = _config(method, env_id, seed, settings, changes or {}, n_steps)
    games = make_games(env_id, settings.n_envs, lives=settings.lives)
    folder = RunFolder(Path("runs") / _name(method, env_id, seed) if out is None else out)
    made_with = {"versions": versions(), "git": git_state()}
    training = ImageTraining(
        method=method,
        settings=settings,
        games=games,
        seed=seed,
        folder=folder,
        progress=progress,
    )
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
        ann = in_bytes(network.export(env_id=env_id), games.largest)
    trained = {**config, **made_with, "steps": training.update * settings.batch}
    return _finish(
        training, replace(ann, provenance={"trained": trained}), config, settings, clocks
    )


def _finish(
    training: ImageTraining,
    ann: AnnModel,
    config: Mapping[str, Any],
    settings: ImageSettings,
    clocks: tuple[float, float],
) -> TrainingReport:
    """Score the network, convert it, score that, write all down."""
    folder, step = training.folder, training.update * settings.batch
    play: dict[str, Any] = {
        "episodes": settings.test_episodes,
        "seed": int(np.random.SeedSequence((training.seed, 2)).generate_state(1)[0]),
        "epsilon": settings.test_epsilon,
    }
    gap = training.action_gap()
    test = _evaluation(step, gap, evaluate(AnnAgent(ann), **play))
    ann = replace(ann, provenance={**ann.provenance, "test": test.to_dict()})
    model, spiking = None, None
    if config["n_steps"] is not None:
        model = convert(ann, normalization="channel", n_steps=config["n_steps"], seed=training.seed)
        played = evaluate(SpikingAgent(model), **play)
        spiking = {
            **_evaluation(step, gap, played).to_dict(),
            "n_steps": config["n_steps"],
            "agreement": played.agreement,
        }
        model = model.replace(provenance={**model.provenance, "test": spiking})
        model.save(folder.path / POLICY, weights_dtype="float16")
    report = TrainingReport(
        method=training.method,
        network=ann,
        best=test,
        test=test,
        evaluations=(test,),
        seconds=time.perf_counter() - clocks[0],
        cpu_seconds=time.process_time() - clocks[1],
        folder=folder.path,
        seed=training.seed,
        env_id=config["env_id"],
        command=config["command"],
        model=model,
        spiking=spiking,
    )
    _draw(folder, training.rows, config)
    folder.write_result(report.to_dict())  # last: a folder with a result is a finished run
    return report


def _evaluation(step: int, gap: float, report: EvaluationReport) -> NetworkEvaluation:
    return NetworkEvaluation(
        step=step,
        mean_return=report.mean,
        std_return=report.std,
        min_return=float(report.returns.min()),
        episodes=report.episodes,
        action_gap=gap,
        spikes_per_decision=report.spikes_per_decision,
    )


def in_bytes(ann: AnnModel, largest: float) -> AnnModel:
    """The same network for images of bytes: the first layer divides by the largest value."""
    first = ann.layers[0]
    assert isinstance(first, Conv2d)
    scaled = replace(first, weight=(first.weight / largest).astype(first.weight.dtype))
    return replace(ann, layers=(scaled, *ann.layers[1:]))


def _draw(folder: RunFolder, rows: list[dict[str, Any]], config: Mapping[str, Any]) -> None:
    """The learning curve, where matplotlib is installed."""
    from dsqn_fast.figures import COLOURS, new_figure

    try:
        figure = new_figure(7.0, 4.0)
    except MissingExtraError:
        return
    axes = figure.subplots()
    known = [row for row in rows if row["mean_return"] is not None]
    steps, means = [row["step"] for row in known], [row["mean_return"] for row in known]
    axes.plot(steps, means, color=COLOURS[0])
    axes.set_xlabel("decisions")
    axes.set_ylabel("mean return of the last 100 games")
    figure.suptitle(f"{config['method']} on {config['env_id']}, seed {config['seed']}")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    folder.write("learning-curve.png", picture.getvalue())


def _name(method: str, env_id: str, seed: int) -> str:
    return f"{method}-{env_id}-seed{seed}".replace("/", "-").replace(":", "-")


def _config(
    method: str,
    env_id: str,
    seed: int,
    settings: ImageSettings,
    changes: Mapping[str, Any],
    n_steps: int | None,
) -> dict[str, Any]:
    """The run as JSON values; two runs with equal ones repeat each other."""
    words = ["dsqn-fast", "train", method, "--env", env_id, "--seed", str(seed)]
    for name, value in changes.items():
        words += ["--set", f"{name}={value}"]
    if n_steps != DEFAULT_N_STEPS:
        words += ["--no-convert"] if n_steps is None else ["--n-steps", str(n_steps)]
    return {
        "method": method,
        "env_id": env_id,
        "command": shlex.join(words),
        "seed": seed,
        "n_steps": n_steps,
        "settings": settings.to_dict(),
    }
