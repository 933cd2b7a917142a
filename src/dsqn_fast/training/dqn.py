"""Training a Q network: Stable-Baselines3 learns, the best network by evaluation is kept."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dsqn_fast.errors import MissingExtraError, OptionError
from dsqn_fast.importers.extras import import_extra
from dsqn_fast.model import AnnModel, SpikingModel
from dsqn_fast.model.options import check_n_steps
from dsqn_fast.run_options import check_seed
from dsqn_fast.training.network_evaluation import NetworkEvaluation, evaluate_network
from dsqn_fast.training.presets import dqn_preset
from dsqn_fast.training.report import TrainingReport
from dsqn_fast.training.run_folder import RunFolder
from dsqn_fast.training.torch_threads import one_thread
from dsqn_fast.training.training_environment import input_scaling, make_training_environment
from dsqn_fast.training.versions import git_state, versions

if TYPE_CHECKING:
    from dsqn_fast.training.evaluation_callback import EvaluationCallback, TrainingProgress
    from dsqn_fast.training.q_learning import QLearning

DEFAULT_N_STEPS: Final = 32
"""Time steps that a trained network is converted for."""


def train_dqn(
    env_id: str,
    *,
    seed: int = 0,
    preset: str = "default",
    changes: Mapping[str, str] | None = None,
    n_steps: int | None = DEFAULT_N_STEPS,
    out: str | Path | None = None,
    progress: Callable[[TrainingProgress], None] | None = None,
) -> TrainingReport:
    """Train a Q network and keep the best one.

    Every ``eval_every`` steps the network plays ``eval_episodes`` episodes greedily, the same
    ones each time; the one with the highest mean return is kept, of equal ones the one whose
    actions suffer least when its activations are rounded, and scored on ``test_episodes``
    others. The same seed gives the same weights on the same machine and versions.

    Args:
        env_id: Gymnasium environment with discrete actions and vector observations.
        seed: Seed of everything random, 0 <= seed < 2**32.
        preset: Named hyperparameters; see `dqn_preset`.
        changes: Settings that differ from the preset, as text; see `DqnSettings.changed`.
        n_steps: Time steps T that the best network is converted for, see `spiking_policy`; the
            policy is ``policy.npz`` in the run's folder. None to train only.
        out: Folder of the run, see `RunFolder`; None names one below ``runs``.
        progress: Called after every evaluation and now and then between.

    Returns:
        The best network and how it was found; the run's folder holds the same.

    Raises:
        MissingExtraError: torch or Stable-Baselines3 is not installed.
        UnknownEnvironmentError: No environment has that id.
        EnvironmentMismatchError: The environment does not fit a Q network.
        OptionError: A setting, the preset or the seed does not exist or is out of range.
        OutputPathError: The folder cannot be written or already holds a run.
        TrainingError: The loss is not finite; the best network so far is in the folder.
    """
    for module in ("torch", "stable_baselines3"):
        import_extra(module, extra="train", needed_for="training")
    if n_steps is not None:
        check_n_steps(n_steps)
    run = _Run(env_id, _check_seed(seed), preset, dict(changes or {}), n_steps, out)
    return run.train(progress)


class _Run:
    """One training run: its settings, its seeds, its folder."""

    def __init__(
        self,
        env_id: str,
        seed: int,
        preset: str,
        changes: dict[str, str],
        n_steps: int | None,
        out: str | Path | None,
    ) -> None:
        self.env_id, self.seed, self.n_steps = env_id, seed, n_steps
        self.settings = dqn_preset(preset, env_id).changed(changes)
        self.command = _command(env_id, seed, preset, changes, n_steps)
        self.seeds = _seeds(seed)
        self.env = make_training_environment(env_id, self.settings)
        name = f"dqn-{env_id.replace('/', '-').replace(':', '-')}-seed{seed}"
        self.folder = RunFolder(Path("runs") / name if out is None else out)
        self.config = {
            "method": "dqn",
            "env_id": env_id,
            "command": self.command,
            "seeds": self.seeds,
            "settings": self.settings.to_dict(),
        }
        self.made_with = {"versions": versions(), "git": git_state()}
        self.evaluations: list[NetworkEvaluation] = []

    def train(self, progress: Callable[[TrainingProgress], None] | None) -> TrainingReport:
        from dsqn_fast.training.q_learning import QLearning

        self.folder.create(self.config, self.made_with)
        begin = time.perf_counter()
        with one_thread():
            learner = QLearning(self.env, settings=self.settings, seed=self.seed)
            callback = self._callback(learner, progress)
            learner.learn(self.settings.total_steps, callback=callback)
        self.env.close()
        ann, best = callback.result()
        test = self._evaluate(ann, best.step, self.settings.test_episodes, "test")
        ann = replace(ann, provenance={**ann.provenance, "test": test.to_dict()})
        model, spiking = self._convert(ann)
        report = TrainingReport(
            ann=ann,
            model=model,
            spiking=spiking,
            best=best,
            test=test,
            evaluations=tuple(self.evaluations),
            seconds=time.perf_counter() - begin,
            folder=self.folder.path,
            seed=self.seed,
            env_id=self.env_id,
            command=self.command,
        )
        self._finish(report)
        return report

    def _callback(
        self, model: QLearning, progress: Callable[[TrainingProgress], None] | None
    ) -> EvaluationCallback:
        from dsqn_fast.training.evaluation_callback import EvaluationCallback

        settings = self.settings
        return EvaluationCallback(
            every=settings.eval_every,
            total_steps=settings.total_steps,
            export=lambda: self._export(model),
            evaluate=lambda ann, step: self._evaluate(
                ann, step, settings.eval_episodes, "evaluation"
            ),
            record=self._record,
            progress=progress,
        )

    def _export(self, model: QLearning) -> AnnModel:
        from dsqn_fast.training.network_export import export_network

        return export_network(
            model.q_net.q_net,
            scaling=input_scaling(self.settings, model.observation_space.shape[0]),  # type: ignore[index]
            env_id=self.env_id,
            provenance={"trained": {**self.config, **self.made_with, "steps": model.num_timesteps}},
        )

    def _evaluate(self, ann: AnnModel, step: int, episodes: int, purpose: str) -> NetworkEvaluation:
        return evaluate_network(
            ann, self.env_id, step=step, episodes=episodes, seed=self.seeds[purpose]
        )

    def _record(self, evaluation: NetworkEvaluation, best: AnnModel | None) -> None:
        from dsqn_fast.training.network_export import plain_arrays

        # The network first: a line without its network would be worse than the reverse.
        if best is not None:
            self.folder.write_arrays("best.npz", plain_arrays(best))
        self.folder.append_evaluation(evaluation.to_dict())
        self.evaluations.append(evaluation)

    def _convert(self, ann: AnnModel) -> tuple[SpikingModel | None, Mapping[str, Any] | None]:
        """The spiking policy, saved, and what it reaches on the test's episodes."""
        if self.n_steps is None:
            return None, None
        from dsqn_fast.training.spiking_policy import play_spiking, spiking_policy

        with one_thread():
            model = spiking_policy(ann, n_steps=self.n_steps, seed=self.seed)
        played = play_spiking(model, episodes=self.settings.test_episodes, seed=self.seeds["test"])
        model = model.replace(provenance={**model.provenance, "test": dict(played)})
        model.save(self.folder.path / "policy.npz")
        return model, played

    def _finish(self, report: TrainingReport) -> None:
        self.folder.write_json("result.json", report.to_dict())
        try:
            from dsqn_fast.training.learning_curve import learning_curve, png

            title = f"dqn on {self.env_id}, seed {self.seed}"
            figure = learning_curve(report.evaluations, report.best, title)
        except MissingExtraError:
            return
        self.folder.write("learning-curve.png", png(figure))


def _check_seed(seed: int) -> int:
    """Stable-Baselines3 seeds NumPy's old generator, which takes 32 bits."""
    if check_seed(seed) >= 2**32:
        raise OptionError(f"a training seed must be below 2**32, not {seed}")
    return int(seed)


def _seeds(seed: int) -> dict[str, int]:
    """Seeds of training, evaluation and test: no two share an episode."""
    evaluation, test = np.random.SeedSequence(seed).generate_state(2)
    return {"training": seed, "evaluation": int(evaluation), "test": int(test)}


def _command(
    env_id: str, seed: int, preset: str, changes: Mapping[str, str], n_steps: int | None
) -> str:
    words = ["dsqn-fast", "train", "dqn", "--env", env_id, "--seed", str(seed)]
    words += ["--preset", preset] if preset != "default" else []
    for name, value in changes.items():
        words += ["--set", f"{name}={value}"]
    if n_steps != DEFAULT_N_STEPS:
        words += ["--no-convert"] if n_steps is None else ["--n-steps", str(n_steps)]
    return shlex.join(words)
