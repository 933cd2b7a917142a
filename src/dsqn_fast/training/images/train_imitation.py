"""Teaching a dense network a game that a convolutional one plays, as a training run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsqn_fast.conversion import convert
from dsqn_fast.errors import TrainingError
from dsqn_fast.importers import load_ann
from dsqn_fast.importers.extras import import_extra
from dsqn_fast.model.options import check_choice
from dsqn_fast.training.images.config import run_config, run_name
from dsqn_fast.training.images.finish import NETWORK, finish
from dsqn_fast.training.images.imitation_settings import ViewImitationSettings
from dsqn_fast.training.plan import DEFAULT_N_STEPS
from dsqn_fast.training.report import TrainingReport
from dsqn_fast.training.run_folder import RunFolder
from dsqn_fast.training.torch_threads import one_thread
from dsqn_fast.training.versions import git_state, versions

if TYPE_CHECKING:
    from dsqn_fast.training.images.loop import ImageProgress


def train_by_view_imitation(
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
    """Teach a dense network what a convolutional one does, in another view of the same game.

    Args:
        method: ``"view-imitation"``.
        env_id: An Atari game.
        seed: Seed of everything random, 0 <= seed < 2**32.
        preset: ``"default"``, the only one here.
        changes: Settings that differ from it, ``teacher`` at least; see `ViewImitationSettings`.
        n_steps: As of `train_on_images`.
        out: Likewise.
        resume: Refused: a run takes minutes and keeps no checkpoint.
        progress: Called after every round.

    Raises:
        MissingExtraError: torch or ale-py is not installed.
        ModelFileError: The teacher's file is missing or no network.
        OptionError: A setting does not exist or is out of range, or the teacher sees no frames.
        OutputPathError: The folder cannot be written or already holds a run.
        TrainingError: It was to be resumed.
    """
    import_extra("torch", extra="train", needed_for="training")
    from dsqn_fast.training.images.imitation import ViewImitation
    from dsqn_fast.training.images.loop import ImageProgress

    check_choice("method", method, ("view-imitation",))
    check_choice("preset", preset, ("default",))
    if resume:
        raise TrainingError(f"a run of {method} keeps no checkpoint: start it anew")
    given = dict(changes or {})
    settings = ViewImitationSettings(teacher=str(given.get("teacher", ""))).changed(given)
    config = run_config(method, env_id, seed, settings, given, n_steps)
    school = ViewImitation(
        teacher=load_ann(settings.teacher), env_id=env_id, settings=settings, seed=seed
    )
    folder = RunFolder(Path("runs") / run_name(method, env_id, seed) if out is None else out)
    made_with = {"versions": versions(), "git": git_state()}
    folder.create(config, made_with)
    run = {**config, **made_with}
    clocks = time.perf_counter(), time.process_time()

    def tell(step: int, mean: float | None) -> None:
        folder.append_evaluation(school.rows[-1])
        if "evaluation" in school.rows[-1] and school.best is not None:  # kept if the run is killed
            kept = replace(school.best[0], provenance=_provenance(run, school.rows))
            convert(kept, normalization="none").save(folder.path / NETWORK)
        if progress is not None:
            progress(ImageProgress(step, settings.total_steps, mean))

    with one_thread():
        ann = school.run(tell)
    return finish(
        replace(ann, provenance=_provenance(run, school.rows)),
        config,
        rows=school.rows,
        gap=school.action_gap(),
        folder=folder,
        clocks=clocks,
    )


def _provenance(run: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How a network was taught so far: the run, its learning curve and its evaluations."""
    curve = [[row["step"], row["mean_return"]] for row in rows]
    evaluated = [row for row in rows if "evaluation" in row]
    kept = max(evaluated, key=lambda row: float(row["evaluation"]), default=rows[-1])
    evaluations = [[row["step"], row["evaluation"]] for row in evaluated]
    told = {"steps": kept["step"], "learning_curve": curve, "evaluations": evaluations}
    return {"trained": {**run, **told}}
