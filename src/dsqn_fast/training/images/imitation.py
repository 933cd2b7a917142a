"""A dense network is taught what a convolutional one does, on states that the pupil visits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from dsqn_fast.environments import make_environment
from dsqn_fast.errors import OptionError
from dsqn_fast.evaluation import evaluate
from dsqn_fast.frame_views import VIEWS
from dsqn_fast.model import AnnModel
from dsqn_fast.model.observations import prepare_observations
from dsqn_fast.training.devices import chosen_device
from dsqn_fast.training.images.imitation_memory import ImitationMemory
from dsqn_fast.training.images.imitation_settings import ViewImitationSettings
from dsqn_fast.training.images.pupil import CPU, Pupil
from dsqn_fast.training.images.two_views import TwoViews
from dsqn_fast.training.network_evaluation import action_gaps
from dsqn_fast.training.trainable_network import TrainableNetwork

Outputs = Callable[[NDArray[Any]], NDArray[np.floating]]
_GAP_STATES = 1000


@dataclass(kw_only=True, eq=False)
class ViewImitation:
    """A pupil at school.

    Attributes:
        teacher: The network that knows what to do.
        env_id: The game.
        settings: How it is taught.
        seed: Seed of everything random.
        rows: What every round came to.
        best: The pupil of the best evaluation so far, and its mean return.
    """

    teacher: AnnModel
    env_id: str
    settings: ViewImitationSettings
    seed: int
    rows: list[dict[str, Any]] = field(default_factory=list)
    best: tuple[AnnModel, float] | None = None

    def __post_init__(self) -> None:
        settings = self.settings
        self._games = two_views(self.teacher, self.env_id, settings.view, settings.n_envs)
        self._rng = np.random.default_rng((self.seed, 0))
        self._teach_rng = np.random.default_rng((self.seed, 1))
        device = chosen_device(settings.device)
        self._teacher = torch_outputs(self.teacher, device=device, bfloat16=settings.bfloat16)
        torch.manual_seed(self.seed)
        self.pupil = Pupil(
            settings.view, settings.hidden, self.n_actions, self.env_id, device=device
        )
        self._optimizer = torch.optim.AdamW(
            self.pupil.network.parameters(),
            settings.learning_rate,
            weight_decay=settings.weight_decay,
            fused=True,
        )
        capacity = min(settings.memory, settings.decisions)
        self._memory = ImitationMemory(VIEWS[settings.view], self.n_actions, capacity)
        self._returns = np.zeros(settings.n_envs)
        self._own_game = np.ones(settings.n_envs, bool)

    def action_gap(self) -> float:
        """Median of (best - second) / max abs of the pupil's outputs in the last decisions."""
        outputs = self.pupil.outputs(self._memory.latest(_GAP_STATES))
        return float(np.median(action_gaps(outputs)))

    @property
    def n_actions(self) -> int:
        """Actions of teacher and pupil."""
        return self.teacher.n_outputs

    def run(self, progress: Callable[[int, float | None], None] | None = None) -> AnnModel:
        """Teach in all rounds; returns the best pupil."""
        settings = self.settings
        seeds = np.random.SeedSequence((self.seed, 2)).generate_state(settings.n_envs)
        seen = [game.reset(seed=int(s) >> 1)[0] for game, s in zip(self._games, seeds, strict=True)]
        played = evaluated = 0
        for index in range(settings.rounds):
            seen, returns, agreement = self._play(seen, 1.0 if index == 0 else None)
            played += settings.decisions_per_round * settings.n_envs
            if index == 0:
                centre, deviation = self._memory.moments()
                self.pupil.scale(centre, deviation.clamp(min=settings.min_deviation))
            for group in self._optimizer.param_groups:
                group["lr"] = settings.rate_at(1 - index / settings.rounds)
            loss = self._teach()
            mean = float(np.mean(returns)) if returns else None
            row = {"step": played, "mean_return": mean, "agreement": agreement, "loss": loss}
            if played - evaluated >= settings.eval_every or index == settings.rounds - 1:
                row["evaluation"], evaluated = self._evaluate(), played
            self.rows.append(row)
            if progress is not None:
                progress(played, mean)
        for game in self._games:
            game.close()
        assert self.best is not None
        return self.best[0]

    def _evaluate(self) -> float:
        """Score of the pupil as it is now; kept if it is the best so far."""
        settings = self.settings
        seed = int(np.random.SeedSequence((self.seed, 3)).generate_state(1)[0])
        report = evaluate(
            self.pupil,
            self.env_id,
            episodes=settings.eval_episodes,
            seed=seed,
            n_envs=settings.n_envs,
            epsilon=settings.test_epsilon,
        )
        if self.best is None or report.mean > self.best[1]:
            exported = self.pupil.export(self._memory.ever_on, self._memory.steady())
            self.best = exported, report.mean
        return report.mean

    def _play(
        self, seen: list[Any], teacher_share: float | None
    ) -> tuple[list[Any], list[float], float]:
        """One round: returns of the pupil's own games, and how often it chose as the teacher."""
        settings, returns, equal = self.settings, list[float](), 0
        share = settings.teacher_share if teacher_share is None else teacher_share
        taught = self._rng.random(settings.n_envs) < share
        self._own_game &= ~taught
        for _ in range(settings.decisions_per_round):
            states = np.stack([game.pupil_observation for game in self._games])
            flat = states.reshape(len(states), -1).astype(np.float32)
            targets = self._teacher(np.stack(seen))
            self._memory.add(flat, targets)
            own = self.pupil.outputs(torch.from_numpy(flat)).argmax(axis=1)
            wanted = targets.argmax(axis=1)
            equal += int((own == wanted).sum())
            actions = np.where(taught, wanted, own)
            at_random = self._rng.random(len(actions)) < settings.epsilon
            drawn = self._rng.integers(self.n_actions, size=len(own))
            seen = self._act(np.where(at_random, drawn, actions), taught, returns)
        return seen, returns, equal / (settings.decisions_per_round * settings.n_envs)

    def _act(
        self, actions: NDArray[np.integer], taught: NDArray[np.bool_], returns: list[float]
    ) -> list[Any]:
        """One decision in every game; what is seen next."""
        seen = []
        for slot, (game, action) in enumerate(zip(self._games, actions.tolist(), strict=True)):
            observation, reward, ended, cut, _ = game.step(action)
            self._returns[slot] += reward
            if ended or cut:
                if self._own_game[slot]:
                    returns.append(float(self._returns[slot]))
                self._returns[slot], self._own_game[slot] = 0, not taught[slot]
                observation, _ = game.reset()
            seen.append(observation)
        return seen

    def _autocast(self) -> torch.autocast:
        kind = self.pupil.device.type
        return torch.autocast(kind, torch.bfloat16, enabled=self.settings.bfloat16)

    def _teach(self) -> float:
        """Cross-entropy to the softmax of the teacher's outputs; returns the last epoch's mean."""
        settings, mean = self.settings, 0.0
        for _ in range(settings.epochs):
            losses = []
            for states, targets in self._memory.minibatches(settings.minibatch, self._teach_rng):
                wanted = functional.softmax(targets * settings.sharpness, 1)
                with self._autocast():
                    logits = self.pupil.forward(states)
                loss = functional.cross_entropy(logits.float(), wanted)
                self._optimizer.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                self._optimizer.step()
                losses.append(float(loss.detach()))
            mean = float(np.mean(losses))
        return mean


def two_views(teacher: AnnModel, env_id: str, pupil_view: str, count: int) -> list[TwoViews]:
    """Games that teacher and pupil see.

    Raises:
        OptionError: The teacher does not see frames as the games can show them.
    """
    known = teacher.preprocessing or {}
    if known.get("name") not in ("mnih", "mnih-binary"):
        raise OptionError(
            f"the teacher must see a game as mnih or mnih-binary does, not as "
            f"{known.get('name')!r}: choose another teacher"
        )
    view, unit = str(known["name"]), bool(known.get("unit", False))
    games = []
    for _ in range(count):
        raw: Any = make_environment(env_id, preprocessing=dict(known)).unwrapped
        games.append(TwoViews(raw, view=view, pupil_view=pupil_view, unit=unit))
    return games


def torch_outputs(ann: AnnModel, *, device: torch.device = CPU, bfloat16: bool = False) -> Outputs:
    """The outputs of a network by torch, which is faster than NumPy for convolutions.

    Args:
        ann: Convolutions without pooling, then dense layers.
        device: Where it is computed.
        bfloat16: Compute with it.

    Returns:
        A function of (B, *shape) observations as they arrive.
    """
    network = TrainableNetwork(ann).to(device)

    def compute(observations: NDArray[Any]) -> NDArray[np.floating]:
        prepared = prepare_observations(ann, observations, np.float32)
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            outputs, _ = network(torch.from_numpy(prepared).to(device))
        found: NDArray[np.floating] = outputs.float().cpu().numpy()
        return found

    return compute
