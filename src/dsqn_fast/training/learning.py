"""The learning part of a run: a learner learns, the best network is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import torch

from dsqn_fast.environments import Environment
from dsqn_fast.errors import TrainingError
from dsqn_fast.training.checkpoint import read_checkpoint, write_checkpoint
from dsqn_fast.training.learners import make_learner
from dsqn_fast.training.network_arrays import plain_arrays, with_arrays
from dsqn_fast.training.network_evaluation import Network, NetworkEvaluation, evaluate_network
from dsqn_fast.training.plan import TrainingPlan
from dsqn_fast.training.run_folder import RunFolder
from dsqn_fast.training.schedule import Schedule, TrainingProgress

BEST: Final = "best.npz"
CHECKPOINT: Final = "checkpoint.pt"
REPLAY: Final = "replay.npz"
REPLAY_OBSERVATIONS: Final = 20_000
"""Most observations that are kept of a replay memory: those of its end."""


@dataclass(kw_only=True, eq=False)
class Learning:
    """A run that learns.

    Attributes:
        plan: What to do.
        envs: Where.
        folder: Where evaluations, the best network and checkpoints are kept.
        made_with: Versions and git state.
        progress: Told how far the run is.
        evaluations: Those made so far.
        best: The best of them.
        best_network: Its network.
    """

    plan: TrainingPlan
    envs: list[Environment]
    folder: RunFolder
    made_with: dict[str, Any]
    progress: Callable[[TrainingProgress], None] | None = None
    evaluations: list[NetworkEvaluation] = field(default_factory=list)
    best: NetworkEvaluation | None = None
    best_network: Network | None = None

    def run(self) -> tuple[Network, NetworkEvaluation]:
        """Learn to the end, from the last checkpoint where the folder holds one.

        Returns:
            The best network and its evaluation.

        Raises:
            TrainingError: The loss is not finite, or the checkpoint does not fit.
            OutputPathError: The folder cannot be written any more.
        """
        settings = self.plan.settings
        self.learner = make_learner(self.plan, self.envs, self.folder.path)
        if (self.folder.path / CHECKPOINT).exists():
            self._resume()
        else:
            self.folder.rewrite_evaluations([])
        schedule = Schedule(
            total_steps=settings.total_steps,
            eval_every=settings.eval_every,
            checkpoint_every=settings.checkpoint_every,
            evaluate=self._evaluate,
            checkpoint=self._checkpoint,
            progress=self._tell,
            done=self.learner.steps,
        )
        self.learner.learn(schedule)
        self._checkpoint()
        if self.best is None or self.best_network is None:
            raise TrainingError("the run ended before its first evaluation: train for longer")
        self._keep_replay()
        return self.best_network, self.best

    def _provenance(self, steps: int) -> dict[str, Any]:
        return {"trained": {**self.plan.config(), **self.made_with, "steps": steps}}

    def _evaluate(self, step: int) -> None:
        network = self.learner.network(self._provenance(step))
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
        numbers = {name: value for name, value in evaluation.to_dict().items() if value is not None}
        self.learner.log({f"eval/{name}": value for name, value in numbers.items()})

    def _tell(self, step: int) -> None:
        if self.progress is None:
            return
        last = self.evaluations[-1].mean_return if self.evaluations else None
        total = self.plan.settings.total_steps
        self.progress(
            TrainingProgress(
                step=min(step, total), total_steps=total, mean_return=last, best=self.best
            )
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
        like = self.learner.network(self._provenance(self.best.step))
        self.best_network = with_arrays(like, arrays)
        self.folder.write_arrays(BEST, arrays)

    def _keep_replay(self) -> None:
        """The last observations that were learned from: a set to calibrate conversions with."""
        replay = self.learner.replay()
        if replay is not None:
            self.folder.write_arrays(REPLAY, {"observations": replay[-REPLAY_OBSERVATIONS:]})
