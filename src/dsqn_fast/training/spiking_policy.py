"""From a trained network to the spiking policy that a run ends with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from dsqn_fast.agents import SpikingAgent
from dsqn_fast.conversion import AutoOptions, convert
from dsqn_fast.evaluation import evaluate
from dsqn_fast.model import AnnModel, SpikingModel
from dsqn_fast.training.imitation import ImitationOptions
from dsqn_fast.training.routes import qcfs_route

EPOCHS: Final = 100
"""Of the fine-tuning: small networks take seconds."""


def spiking_policy(ann: AnnModel, *, n_steps: int, seed: int) -> SpikingModel:
    """Convert a network for ``n_steps``, automatically, with plain integrate-and-fire neurons.

    Where conversion alone does not keep 99 % of the actions, the network is fine-tuned for so
    few steps first; the policy's source and its agreement stay those of ``ann``.

    Args:
        ann: The network, with its environment.
        n_steps: Time steps T.
        seed: Seed of the observations and the fine-tuning.
    """
    return convert(
        ann,
        n_steps=n_steps,
        seed=seed,
        auto=AutoOptions(allow_bursts=False, episodes=0),
        routes=(qcfs_route(ImitationOptions(epochs=EPOCHS)),),
    )


def play_spiking(model: SpikingModel, *, episodes: int, seed: int) -> Mapping[str, Any]:
    """What the policy reaches in its environment, as JSON values.

    Args:
        model: The policy.
        episodes: Number of episodes.
        seed: Seed of the episodes.
    """
    report = evaluate(SpikingAgent(model), model.env_id, episodes=episodes, seed=seed)
    return {
        "n_steps": model.n_steps,
        "mean_return": report.mean,
        "std_return": report.std,
        "min_return": float(np.min(report.returns)),
        "episodes": episodes,
        "agreement": report.agreement,
        "spikes_per_decision": report.spikes_per_decision,
        "synaptic_operations_per_decision": report.synaptic_operations_per_decision,
    }
