"""The learning part of a run: Stable-Baselines3 learns, the best network is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import torch

from dsqn_fast.environments import Environment
from dsqn_fast.errors import TrainingError
from dsqn_fast.model import AnnModel
from dsqn_fast.training.checkpoint import read_checkpoint, write_checkpoint
from dsqn_fast.training.evaluation_callback import EvaluationCallback, TrainingProgress
from dsqn_fast.training.network_evaluation import NetworkEvaluation, evaluate_network
from dsqn_fast.training.network_export import export_network, from_plain_arrays, plain_arrays
from dsqn_fast.training.plan import TrainingPlan
from dsqn_fast.training.q_learning import QLearning
from dsqn_fast.training.run_folder import RunFolder
from dsqn_fast.training.training_environment import input_scaling

BEST: Final = "best.npz"
CHECKPOINT: Final = "checkpoint.pt"


@dataclass(kw_only=True, eq=False)
class Learning:
    """A run that learns.

    Attributes:
        plan: What to do.
        env: Where.
        folder: Where evaluations, the best network and checkpoints are kept.
        made_with: Versions and git state.
        progress: Told how far the run is.
        evaluations: Those made so far.
        best: The best of them.
        best_network: Its network.
    """

    plan: TrainingPlan
    env: Environment
    folder: RunFolder
    made_with: dict[str, Any]
    progress: Callable[[TrainingProgress], None] | None = None
    evaluations: list[NetworkEvaluation] = field(default_factory=list)
    best: NetworkEvaluation | None = None
    best_network: AnnModel | None = None

    def run(self) -> tuple[AnnModel, NetworkEvaluation]:
        """Learn to the end, from the last checkpoint where the folder holds one.

        Returns:
            The best network and its evaluation.

        Raises:
            TrainingError: The loss is not finite, or the checkpoint does not fit.
            OutputPathError: The folder cannot be written any more.
        """
        settings = self.plan.settings
        self.learner = QLearning(self.env, settings=settings, seed=self.plan.seed)
        if (self.folder.path / CHECKPOINT).exists():
            self._resume()
        else:
            self.folder.rewrite_evaluations([])
        done = self.learner.num_timesteps
        callback = EvaluationCallback(
            eval_every=settings.eval_every,
            checkpoint_every=settings.checkpoint_every,
            total_steps=settings.total_steps,
            evaluate=self._evaluate,
            checkpoint=self._checkpoint,
            progress=self._tell,
        )
        self.learner.learn(
            settings.total_steps - done, callback=callback, reset_num_timesteps=done == 0
        )
        if self.best is None or self.best_network is None:
            raise TrainingError("the run ended before its first evaluation: train for longer")
        return self.best_network, self.best

    def _export(self) -> AnnModel:
        steps = self.learner.num_timesteps
        n_inputs = self.learner.observation_space.shape[0]  # type: ignore[index]
        return export_network(
            self.learner.q_net.q_net,
            scaling=input_scaling(self.plan.settings, n_inputs),
            env_id=self.plan.env_id,
            provenance=self._provenance(steps),
        )

    def _provenance(self, steps: int) -> dict[str, Any]:
        return {"trained": {**self.plan.config(), **self.made_with, "steps": steps}}

    def _evaluate(self, step: int) -> None:
        network = self._export()
        evaluation = evaluate_network(
            network,
            self.plan.env_id,
            step=step,
            episodes=self.plan.settings.eval_episodes,
            seed=self.plan.seeds["evaluation"],
        )
        if self.best is None or evaluation.rank > self.best.rank:
            self.best, self.best_network = evaluation, network
            # The network first: a line without its network would be worse than the reverse.
            self.folder.write_arrays(BEST, plain_arrays(network))
        self.folder.append_evaluation(evaluation.to_dict())
        self.evaluations.append(evaluation)

    def _tell(self, step: int) -> None:
        if self.progress is None:
            return
        last = self.evaluations[-1].mean_return if self.evaluations else None
        total = self.plan.settings.total_steps
        self.progress(
            TrainingProgress(step=step, total_steps=total, mean_return=last, best=self.best)
        )

    def _checkpoint(self) -> None:
        network = {} if self.best_network is None else plain_arrays(self.best_network)
        rest = {
            "evaluations": [evaluation.to_dict() for evaluation in self.evaluations],
            "best": None if self.best is None else self.best.to_dict(),
            "network": {name: torch.from_numpy(array) for name, array in network.items()},
        }
        self.folder.write(CHECKPOINT, write_checkpoint(self.learner, rest))

    def _resume(self) -> None:
        """Go back to the last checkpoint, and the folder's files with it."""
        rest = read_checkpoint(self.folder.path / CHECKPOINT, self.learner)
        self.evaluations = [NetworkEvaluation(**record) for record in rest["evaluations"]]
        self.folder.rewrite_evaluations([one.to_dict() for one in self.evaluations])
        if rest["best"] is None:
            return
        self.best = NetworkEvaluation(**rest["best"])
        arrays = {name: tensor.numpy() for name, tensor in rest["network"].items()}
        self.best_network = from_plain_arrays(
            arrays, env_id=self.plan.env_id, provenance=self._provenance(self.best.step)
        )
        self.folder.write_arrays(BEST, arrays)
