"""Training a Q network, from the environment's name to the spiking policy."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dsqn_fast.errors import MissingExtraError
from dsqn_fast.importers.extras import import_extra
from dsqn_fast.model import AnnModel, SpikingModel
from dsqn_fast.training.network_evaluation import NetworkEvaluation, evaluate_network
from dsqn_fast.training.plan import DEFAULT_N_STEPS, TrainingPlan, plan_dqn
from dsqn_fast.training.report import TrainingReport
from dsqn_fast.training.run_folder import RunFolder
from dsqn_fast.training.torch_threads import one_thread
from dsqn_fast.training.training_environment import make_training_environment
from dsqn_fast.training.versions import git_state, versions

if TYPE_CHECKING:
    from dsqn_fast.training.evaluation_callback import TrainingProgress

POLICY: Final = "policy.npz"


def train_dqn(
    env_id: str,
    *,
    seed: int = 0,
    preset: str = "default",
    changes: Mapping[str, str] | None = None,
    n_steps: int | None = DEFAULT_N_STEPS,
    out: str | Path | None = None,
    resume: bool = False,
    progress: Callable[[TrainingProgress], None] | None = None,
) -> TrainingReport:
    """Train a Q network and keep the best one.

    Every ``eval_every`` steps the network plays ``eval_episodes`` episodes greedily, the same
    ones each time; the one with the highest mean return is kept, of equal ones the one whose
    actions suffer least when its activations are rounded, and scored on ``test_episodes``
    others. The same seed gives the same weights on the same machine and versions, also where
    the run was interrupted and resumed.

    Args:
        env_id: Gymnasium environment with discrete actions and vector observations.
        seed: Seed of everything random, 0 <= seed < 2**32.
        preset: Named hyperparameters; see `dqn_preset`.
        changes: Settings that differ from the preset, as text; see `DqnSettings.changed`.
        n_steps: Time steps T that the best network is converted for, see `spiking_policy`; the
            policy is ``policy.npz`` in the run's folder. None to train only.
        out: Folder of the run, see `RunFolder`; None names one below ``runs``.
        resume: Go on with the unfinished run in that folder, from its last checkpoint.
        progress: Called after every evaluation and now and then between.

    Returns:
        The best network and how it was found; the run's folder holds the same.

    Raises:
        MissingExtraError: torch or Stable-Baselines3 is not installed.
        UnknownEnvironmentError: No environment has that id.
        EnvironmentMismatchError: The environment does not fit a Q network.
        OptionError: A setting, the preset or the seed does not exist or is out of range.
        OutputPathError: The folder cannot be written or already holds a run.
        TrainingError: The loss is not finite (the best network so far is in the folder), or
            there is no run to resume, or it is another one, or its checkpoint is damaged.
    """
    for module in ("torch", "stable_baselines3"):
        import_extra(module, extra="train", needed_for="training")
    from dsqn_fast.training.learning import Learning

    plan = plan_dqn(env_id, seed=seed, preset=preset, changes=changes or {}, n_steps=n_steps)
    env = make_training_environment(env_id, plan.settings)
    folder = RunFolder(Path("runs") / plan.name if out is None else out)
    made_with: dict[str, Any] = {"versions": versions(), "git": git_state()}
    if resume:
        folder.check_resumable(plan.config())
    else:
        folder.create(plan.config(), made_with)
    begin = time.perf_counter()
    with one_thread():
        learning = Learning(
            plan=plan, env=env, folder=folder, made_with=made_with, progress=progress
        )
        ann, best = learning.run()
    env.close()
    return _finish(plan, folder, ann, best, learning.evaluations, begin)


def _finish(
    plan: TrainingPlan,
    folder: RunFolder,
    ann: AnnModel,
    best: NetworkEvaluation,
    evaluations: list[NetworkEvaluation],
    begin: float,
) -> TrainingReport:
    """Score the best network on fresh episodes, convert it, write both down."""
    episodes, seed = plan.settings.test_episodes, plan.seeds["test"]
    test = evaluate_network(ann, plan.env_id, step=best.step, episodes=episodes, seed=seed)
    ann = replace(ann, provenance={**ann.provenance, "test": test.to_dict()})
    model, spiking = _convert(plan, folder, ann)
    report = TrainingReport(
        ann=ann,
        best=best,
        test=test,
        evaluations=tuple(evaluations),
        seconds=time.perf_counter() - begin,
        folder=folder.path,
        seed=plan.seed,
        env_id=plan.env_id,
        command=plan.command,
        model=model,
        spiking=spiking,
    )
    _draw(plan, folder, report)
    # Last: a folder with a result is a finished run.
    folder.write_result(report.to_dict())
    return report


def _convert(
    plan: TrainingPlan, folder: RunFolder, ann: AnnModel
) -> tuple[SpikingModel | None, Mapping[str, Any] | None]:
    """The spiking policy, saved, and what it reaches on the test's episodes."""
    if plan.n_steps is None:
        return None, None
    from dsqn_fast.training.spiking_policy import play_spiking, spiking_policy

    model = spiking_policy(ann, n_steps=plan.n_steps, seed=plan.seed)
    episodes, seed = plan.settings.test_episodes, plan.seeds["test"]
    played = play_spiking(model, episodes=episodes, seed=seed)
    model = model.replace(provenance={**model.provenance, "test": dict(played)})
    model.save(folder.path / POLICY)
    return model, played


def _draw(plan: TrainingPlan, folder: RunFolder, report: TrainingReport) -> None:
    """The learning curve, where matplotlib is installed."""
    from dsqn_fast.training.learning_curve import learning_curve, png

    title = f"{plan.method} on {plan.env_id}, seed {plan.seed}"
    try:
        figure = learning_curve(report.evaluations, report.best, title)
    except MissingExtraError:
        return
    folder.write("learning-curve.png", png(figure))
