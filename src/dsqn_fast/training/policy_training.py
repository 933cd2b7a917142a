"""Training a policy, from the environment's name to the spiking policy."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dsqn_fast.errors import MissingExtraError
from dsqn_fast.importers.extras import import_extra
from dsqn_fast.model import AnnModel, SpikingModel
from dsqn_fast.training.classifier_settings import ClassifierSettings
from dsqn_fast.training.network_evaluation import Network, NetworkEvaluation, evaluate_network
from dsqn_fast.training.plan import NSteps, TrainingPlan, make_plan
from dsqn_fast.training.report import TrainingReport
from dsqn_fast.training.run_folder import RunFolder
from dsqn_fast.training.teacher_score import check_teacher, teacher_score
from dsqn_fast.training.torch_threads import one_thread
from dsqn_fast.training.training_environment import make_training_environments
from dsqn_fast.training.versions import git_state, versions

if TYPE_CHECKING:
    from dsqn_fast.training.schedule import TrainingProgress

POLICY: Final = "policy.npz"


def train_policy(
    method: str,
    env_id: str,
    *,
    seed: int = 0,
    preset: str = "default",
    changes: Mapping[str, Any] | None = None,
    n_steps: NSteps = "default",
    out: str | Path | None = None,
    resume: bool = False,
    progress: Callable[[TrainingProgress], None] | None = None,
) -> TrainingReport:
    """Train a network and keep the best one.

    Every ``eval_every`` steps the network plays ``eval_episodes`` episodes greedily, the same
    ones each time; the one with the highest mean return is kept, of equal ones the one whose
    decisions are firmest (see `NetworkEvaluation.rank`), and scored on ``test_episodes``
    others. The same seed gives the same weights on the same machine and versions, also where
    the run was interrupted and resumed.

    Args:
        method: ``dqn``, ``double-dqn``, ``dsqn`` (a spiking Q network), ``a2c``, ``ppo``,
            ``reinforce``; ``classifier``, ``spiking-classifier`` or ``erbp-classifier``, which
            learn the actions of the setting ``teacher``.
        env_id: Gymnasium environment with discrete actions and vector observations.
        seed: Seed of everything random, 0 <= seed < 2**32.
        preset: Named hyperparameters; see `preset_settings`.
        changes: Settings that differ from the preset, as text or as they are; see
            `TrainingSettings.changed`.
        n_steps: Time steps T that the best network is converted for, see `spiking_policy`, 32 by
            default; the policy is ``policy.npz`` in the run's folder. None to train only. A
            spiking Q network learns with so many steps, by default those of its settings, and
            is a policy as it is.
        out: Folder of the run, see `RunFolder`; None names one below ``runs``.
        resume: Go on with the unfinished run in that folder, from its last checkpoint.
        progress: Called after every evaluation and now and then between.

    Returns:
        The best network and how it was found; the run's folder holds the same.

    Raises:
        MissingExtraError: torch, Stable-Baselines3 or TensorBoard is not installed.
        UnknownEnvironmentError: No environment has that id.
        EnvironmentMismatchError: The environment does not fit.
        OptionError: A setting, the method, the preset or the seed does not exist or is out of
            range.
        OutputPathError: The folder cannot be written or already holds a run.
        TrainingError: The loss is not finite (the best network so far is in the folder), or
            there is no run to resume, or it is another one, or its checkpoint is damaged.
    """
    for module in ("torch", "stable_baselines3", "tensorboard"):
        import_extra(module, extra="train", needed_for="training")
    from dsqn_fast.training.learning import Learning

    plan = make_plan(
        method, env_id, seed=seed, preset=preset, changes=changes or {}, n_steps=n_steps
    )
    envs = make_training_environments(env_id, plan.settings)
    if isinstance(plan.settings, ClassifierSettings):
        check_teacher(plan.settings, envs[0], env_id)
    folder = RunFolder(Path("runs") / plan.name if out is None else out)
    made_with: dict[str, Any] = {"versions": versions(), "git": git_state()}
    if resume:
        folder.check_resumable(plan.config())
    else:
        folder.create(plan.config(), made_with)
    begin, cpu = time.perf_counter(), time.process_time()
    with one_thread():
        learning = Learning(
            plan=plan, envs=envs, folder=folder, made_with=made_with, progress=progress
        )
        network, best = learning.run()
        for env in envs:
            env.close()
        network, test, spiking = _score(plan, folder, network, best)
        model, played = (None, None) if spiking is None else spiking
        teacher = None
        if isinstance(plan.settings, ClassifierSettings):
            teacher = teacher_score(plan, network, model)
    report = TrainingReport(
        method=method,
        network=network,
        best=best,
        test=test,
        evaluations=tuple(learning.evaluations),
        seconds=time.perf_counter() - begin,
        cpu_seconds=time.process_time() - cpu,
        folder=folder.path,
        seed=plan.seed,
        env_id=plan.env_id,
        command=plan.command,
        model=model,
        spiking=played,
        teacher=teacher,
    )
    _draw(plan, folder, report)
    # Last: a folder with a result is a finished run.
    folder.write_result(report.to_dict())
    return report


def train_dqn(env_id: str, **options: Any) -> TrainingReport:
    """`train_policy` with the method ``dqn``."""
    return train_policy("dqn", env_id, **options)


def _score(
    plan: TrainingPlan, folder: RunFolder, network: Network, best: NetworkEvaluation
) -> tuple[Network, NetworkEvaluation, tuple[SpikingModel, Mapping[str, Any]] | None]:
    """Score the best network on fresh episodes, and the spiking policy that it is or becomes."""
    episodes, seed = plan.settings.test_episodes, plan.seeds["test"]
    test = evaluate_network(network, plan.env_id, step=best.step, episodes=episodes, seed=seed)
    network = replace(network, provenance={**network.provenance, "test": test.to_dict()})
    if isinstance(network, AnnModel) and plan.n_steps is None:
        return network, test, None
    from dsqn_fast.training.spiking_policy import play_spiking, spiking_policy

    if isinstance(network, SpikingModel):
        model = network
    else:
        assert plan.n_steps is not None
        model = spiking_policy(network, n_steps=plan.n_steps, seed=plan.seed)
    played = play_spiking(model, episodes=episodes, seed=seed)
    model = model.replace(provenance={**model.provenance, "test": dict(played)})
    model.save(folder.path / POLICY)
    return network, test, (model, played)


def _draw(plan: TrainingPlan, folder: RunFolder, report: TrainingReport) -> None:
    """The learning curve, where matplotlib is installed."""
    from dsqn_fast.training.learning_curve import learning_curve, png

    title = f"{plan.method} on {plan.env_id}, seed {plan.seed}"
    try:
        unit = "epochs" if report.teacher else "environment steps"
        figure = learning_curve(report.evaluations, report.best, title, unit)
    except MissingExtraError:
        return
    folder.write("learning-curve.png", png(figure))
