"""A dense network is taught what a convolutional one does, on states that the pupil visits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from dsqn_fast.environments import make_environment
from dsqn_fast.errors import OptionError
from dsqn_fast.importers import load_ann
from dsqn_fast.model import AnnModel
from dsqn_fast.model.observations import prepare_observations
from dsqn_fast.training.images.imitation_settings import ViewImitationSettings
from dsqn_fast.training.images.two_views import TwoViews
from dsqn_fast.training.network_evaluation import action_gaps
from dsqn_fast.training.trainable_network import TrainableNetwork

Outputs = Callable[[NDArray[Any]], NDArray[np.floating]]


@dataclass(kw_only=True, eq=False)
class ViewImitation:
    """A pupil at school.

    Attributes:
        teacher: The network that knows what to do.
        env_id: The game.
        settings: How it is taught.
        seed: Seed of everything random.
        rows: What every round came to.
    """

    teacher: AnnModel
    env_id: str
    settings: ViewImitationSettings
    seed: int
    rows: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        known = self.teacher.preprocessing or {}
        if known.get("name") not in ("mnih", "mnih-binary"):
            raise OptionError(
                f"the teacher must see a game as mnih or mnih-binary does, not as "
                f"{known.get('name')!r}: choose another teacher"
            )
        self._games = []
        for _ in range(self.settings.n_envs):
            plain = make_environment(self.env_id, preprocessing=dict(known))
            raw: Any = plain.unwrapped
            view, unit = str(known["name"]), bool(known.get("unit", False))
            self._games.append(TwoViews(raw, view=view, pupil_view=self.settings.view, unit=unit))
        self._rng = np.random.default_rng((self.seed, 0))
        self._teach_rng = np.random.default_rng((self.seed, 1))
        self._teacher = torch_outputs(self.teacher)
        torch.manual_seed(self.seed)
        self._shape = self._games[0].pupil_observation.shape
        self.pupil = dense_network(int(np.prod(self._shape)), self.settings.hidden, self.n_actions)
        self._states: list[NDArray[np.float16]] = []
        self._targets: list[NDArray[np.float32]] = []
        self._returns = np.zeros(self.settings.n_envs)

    def action_gap(self) -> float:
        """Median of (best - second) / max abs of the pupil's outputs in the last decisions."""
        states = torch.from_numpy(self._states[-1].astype(np.float32))
        with torch.no_grad():
            return float(np.median(action_gaps(self.pupil(states).numpy())))

    @property
    def n_actions(self) -> int:
        """Actions of teacher and pupil."""
        return self.teacher.n_outputs

    def run(self, progress: Callable[[int, float | None], None] | None = None) -> AnnModel:
        """Teach in all rounds; returns the pupil."""
        settings = self.settings
        seeds = np.random.SeedSequence((self.seed, 2)).generate_state(settings.n_envs)
        seen = [game.reset(seed=int(s) >> 1)[0] for game, s in zip(self._games, seeds, strict=True)]
        optimizer = torch.optim.Adam(self.pupil.parameters(), settings.learning_rate)
        played = 0
        for index in range(settings.rounds):
            seen, returns, agreement = self._play(seen, by_pupil=index > 0)
            played += settings.decisions_per_round * settings.n_envs
            rate = settings.rate_at(1 - index / settings.rounds)
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = self._teach(optimizer)
            mean = float(np.mean(returns)) if returns else None
            self.rows.append(
                {"step": played, "mean_return": mean, "agreement": agreement, "loss": loss}
            )
            if progress is not None:
                progress(played, mean)
        for game in self._games:
            game.close()
        return self._export()

    def _play(self, seen: list[Any], *, by_pupil: bool) -> tuple[list[Any], list[float], float]:
        """One round: full-game returns, and how often the pupil chose what the teacher would."""
        returns: list[float] = []
        equal = total = 0
        for _ in range(self.settings.decisions_per_round):
            states = np.stack([game.pupil_observation for game in self._games])
            flat = states.reshape(len(states), -1).astype(np.float16)
            targets = self._teacher(np.stack(seen))
            self._states.append(flat)
            self._targets.append(targets.astype(np.float32))
            with torch.no_grad():
                own = self.pupil(torch.from_numpy(flat.astype(np.float32))).numpy().argmax(axis=1)
            wanted = targets.argmax(axis=1)
            equal, total = equal + int((own == wanted).sum()), total + len(own)
            actions = own if by_pupil else wanted
            at_random = self._rng.random(len(actions)) < self.settings.epsilon
            drawn = self._rng.integers(self.n_actions, size=len(own))
            actions = np.where(at_random, drawn, actions)
            for slot, game in enumerate(self._games):
                seen[slot], reward, ended, cut, _ = game.step(int(actions[slot]))
                self._returns[slot] += reward
                if ended or cut:
                    returns.append(float(self._returns[slot]))
                    self._returns[slot] = 0
                    seen[slot], _ = game.reset()
        return seen, returns, equal / total

    def _teach(self, optimizer: torch.optim.Optimizer) -> float:
        """Cross-entropy to the softmax of the teacher's outputs; returns the last epoch's mean."""
        states = torch.from_numpy(np.concatenate(self._states))
        outputs = torch.from_numpy(np.concatenate(self._targets)) * self.settings.sharpness
        wanted = functional.softmax(outputs, 1)
        mean = 0.0
        pieces = max(1, len(states) // self.settings.minibatch)
        for _ in range(self.settings.epochs):
            total = 0.0
            for part in np.array_split(self._teach_rng.permutation(len(states)), pieces):
                rows = torch.from_numpy(part)
                with torch.autocast("cpu", torch.bfloat16):
                    logits = self.pupil(states[rows].to(torch.bfloat16))
                loss = functional.cross_entropy(logits.float(), wanted[rows])
                optimizer.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                total += float(loss.detach())
            mean = total / pieces
        return mean

    def _export(self) -> AnnModel:
        network = nn.Sequential(nn.Flatten(), *self.pupil)
        preprocessing = {"name": self.settings.view}
        return load_ann(
            network,
            input_shape=tuple(self._shape),
            env_id=self.env_id,
            preprocessing=preprocessing,
        )


def dense_network(n_inputs: int, hidden: tuple[int, ...], n_outputs: int) -> nn.Sequential:
    """Linear layers with ReLU between them."""
    layers: list[nn.Module] = []
    size = n_inputs
    for width in hidden:
        layers += [nn.Linear(size, width), nn.ReLU()]
        size = width
    return nn.Sequential(*layers, nn.Linear(size, n_outputs))


def torch_outputs(ann: AnnModel) -> Outputs:
    """The outputs of a network by torch, which is faster than NumPy for convolutions.

    Args:
        ann: Convolutions without pooling, then dense layers.

    Returns:
        A function of (B, *shape) observations as they arrive.
    """
    network = TrainableNetwork(ann)

    def outputs(observations: NDArray[Any]) -> NDArray[np.floating]:
        prepared = prepare_observations(ann, observations, np.float32)
        with torch.no_grad():
            found: NDArray[np.floating] = network(torch.from_numpy(prepared))[0].numpy()
        return found

    return outputs
