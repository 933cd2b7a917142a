"""One evaluation of a network: how well it plays, and how clearly it decides."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.agents import AnnAgent, SpikingAgent, State
from dsqn_fast.evaluation import evaluate
from dsqn_fast.model import AnnModel, SpikingModel
from dsqn_fast.training.quantised_network import quantised_agreement

Network = AnnModel | SpikingModel


@dataclass(frozen=True, kw_only=True)
class NetworkEvaluation:
    """What a network reached at one moment of its training, playing greedily.

    Attributes:
        step: Environment steps that it had learned from.
        mean_return: Mean of the environment's own return.
        std_return: Standard deviation over episodes (divisor n).
        min_return: Lowest return of an episode.
        episodes: Number of episodes.
        action_gap: Median over visited states of (best - second) / max abs(Q); 0 where there
            is one action only.
        quantised_agreement: Share of visited states with the same action when activations are
            rounded to 32 levels, see `quantised_agreement`: how well it may become spikes. None
            of a spiking network.
        spikes_per_decision: Mean over decisions; None of a network without spikes.
    """

    step: int
    mean_return: float
    std_return: float
    min_return: float
    episodes: int
    action_gap: float
    quantised_agreement: float | None = None
    spikes_per_decision: float | None = None

    @property
    def rank(self) -> tuple[float, float]:
        """Evaluations are compared by return, equal ones by how firm their decisions are.

        That is the agreement when quantised, of a spiking network the action gap.
        """
        firm = self.quantised_agreement
        return self.mean_return, self.action_gap if firm is None else firm

    def to_dict(self) -> dict[str, Any]:
        """The evaluation as JSON values."""
        return asdict(self)


def evaluate_network(
    network: Network, env_id: str, *, step: int, episodes: int, seed: int
) -> NetworkEvaluation:
    """Let a network play whole episodes greedily.

    Args:
        network: The network; a spiking one is run by the engine.
        env_id: Environment; its own reward counts.
        step: Environment steps learned so far.
        episodes: Number of episodes.
        seed: Seed of the episodes.
    """
    agent: _WatchingAnnAgent | _WatchingSpikingAgent
    if isinstance(network, AnnModel):
        agent = _WatchingAnnAgent(network)
    else:
        agent = _WatchingSpikingAgent(network)
    report = evaluate(agent, env_id, episodes=episodes, seed=seed)
    observations = np.concatenate(agent.observations)
    return NetworkEvaluation(
        step=step,
        mean_return=report.mean,
        std_return=report.std,
        min_return=float(report.returns.min()),
        episodes=episodes,
        action_gap=float(np.median(action_gaps(agent.outputs(observations)))),
        quantised_agreement=quantised_agreement(network, observations)
        if isinstance(network, AnnModel)
        else None,
        spikes_per_decision=report.spikes_per_decision,
    )


class _WatchingAnnAgent(AnnAgent):
    """Plays greedily and remembers what it saw."""

    def __init__(self, ann: AnnModel) -> None:
        super().__init__(ann)
        self.observations: list[NDArray[Any]] = []

    def predict(
        self,
        observation: Any,
        state: State = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[NDArray[np.int64], State]:
        self.observations.append(np.array(observation))
        return super().predict(observation, state, episode_start, deterministic)

    def outputs(self, observations: NDArray[Any]) -> NDArray[np.floating]:
        return self.ann.forward(observations)


class _WatchingSpikingAgent(SpikingAgent):
    """The same of a spiking network: episodes are played with `simulate`."""

    def __init__(self, model: SpikingModel) -> None:
        super().__init__(model)
        self.observations: list[NDArray[Any]] = []

    def simulate(self, observations: NDArray[Any], **options: Any) -> Any:
        self.observations.append(np.array(observations))
        return super().simulate(observations, **options)

    def outputs(self, observations: NDArray[Any]) -> NDArray[np.floating]:
        return super().simulate(observations, decisions=0).outputs


def action_gaps(outputs: NDArray[np.floating]) -> NDArray[np.floating]:
    """Per decision (best - second) / max abs of the outputs (B, n): (B,), 0 if n is 1 or Q is 0."""
    if outputs.shape[1] < 2:
        return np.zeros(len(outputs), outputs.dtype)
    ordered = np.sort(outputs, axis=1)
    largest = np.abs(outputs).max(axis=1)
    gap = ordered[:, -1] - ordered[:, -2]
    shares: NDArray[np.floating] = np.divide(
        gap, largest, out=np.zeros_like(gap), where=largest > 0
    )
    return shares
