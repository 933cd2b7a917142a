"""Deep Q-learning as a `Learner`, with a plain or a spiking Q network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.buffers import ReplayBuffer

from dsqn_fast.environments import Environment
from dsqn_fast.training.dqn_settings import DqnSettings, DsqnSettings
from dsqn_fast.training.network_evaluation import Network
from dsqn_fast.training.network_export import export_network
from dsqn_fast.training.plan import TrainingPlan
from dsqn_fast.training.q_learning import QLearning
from dsqn_fast.training.sb3_learner import SB3Learner
from dsqn_fast.training.spiking_network import SpikingNetwork
from dsqn_fast.training.spiking_q_learning import SpikingQLearning

_MEMORY: Final = (
    "observations",
    "next_observations",
    "actions",
    "rewards",
    "dones",
    "timeouts",
)


class QLearner(SB3Learner):
    """DQN and its replay memory.

    Args:
        plan: What to do.
        envs: One environment.
        folder: The run's folder.
    """

    counters: ClassVar[tuple[str, ...]] = (*SB3Learner.counters, "_n_calls", "exploration_rate")
    algorithm: QLearning

    def __init__(self, plan: TrainingPlan, envs: list[Environment], folder: Path) -> None:
        settings, (env,) = plan.settings, envs
        assert isinstance(settings, DqnSettings)
        made = (
            SpikingQLearning(env, settings=settings, seed=plan.seed)
            if isinstance(settings, DsqnSettings)
            else QLearning(env, settings=settings, seed=plan.seed)
        )
        super().__init__(made, plan, folder)

    def network(self, provenance: Mapping[str, Any]) -> Network:
        """See `Learner`."""
        net, env_id = self.algorithm.q_net.q_net, self.plan.env_id
        if isinstance(net, SpikingNetwork):
            return net.to_spiking_model(env_id=env_id, scaling=self.scaling, provenance=provenance)
        return export_network(net, scaling=self.scaling, env_id=env_id, provenance=provenance)

    def replay(self) -> NDArray[Any] | None:
        """All states in the replay memory, oldest first, before they were scaled."""
        memory = self._memory()
        seen = memory.observations[: memory.size(), 0].astype(np.float64)
        if memory.full:
            seen = np.roll(seen, -memory.pos, axis=0)
        plain: NDArray[Any] = (seen * self.scaling.scale + self.scaling.mean).astype(np.float32)
        return plain

    def state(self) -> dict[str, Any]:
        """See `Learner`."""
        memory = self._memory()
        filled = {name: getattr(memory, name)[: memory.size()] for name in _MEMORY}
        arrays = {name: torch.from_numpy(array) for name, array in filled.items()}
        kept = {"arrays": arrays, "position": memory.pos, "full": memory.full}
        return {**super().state(), "memory": kept}

    def restore(self, state: Mapping[str, Any]) -> None:
        """See `Learner`."""
        super().restore(state)
        memory, stored = self._memory(), state["memory"]
        for name in _MEMORY:
            array = stored["arrays"][name].numpy()
            getattr(memory, name)[: len(array)] = array
        memory.pos, memory.full = int(stored["position"]), bool(stored["full"])

    def _memory(self) -> ReplayBuffer:
        assert self.algorithm.replay_buffer is not None
        return self.algorithm.replay_buffer
