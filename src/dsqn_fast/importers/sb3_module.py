"""Networks of Stable-Baselines3 as it holds them in memory: ``model.q_net``, ``model.policy``.

Their forward passes look at values (`preprocess_obs`), so that they cannot be traced as they are;
the modules inside, in the order in which they are called, can.
"""

from __future__ import annotations

import copy
import sys
from typing import Any

import numpy as np
from torch import nn

from dsqn_fast.errors import UnsupportedLayerError
from dsqn_fast.importers.operations import Affine, Linear, Operation, SourceNetwork
from dsqn_fast.importers.quantiles import mean_over_quantiles
from dsqn_fast.importers.torch_module import chain_operations


def is_sb3_module(module: nn.Module) -> bool:
    """Whether a module is a policy or network of Stable-Baselines3, without importing that."""
    policies = sys.modules.get("stable_baselines3.common.policies")
    return policies is not None and isinstance(module, policies.BaseModel)


def read_sb3_module(module: Any) -> SourceNetwork:
    """Read a Q network, quantile network or discrete actor, or the policy that holds it.

    Args:
        module: Of DQN, QR-DQN, A2C or PPO; it stays as it is.

    Raises:
        UnsupportedLayerError: It is another network, its actions are not discrete, or a layer
            cannot be converted.
    """
    kind = type(module).__name__
    for inner in ("q_net", "quantile_net"):
        network = getattr(module, inner, None)
        if isinstance(network, nn.Module) and is_sb3_module(network):
            module = network
    notes: list[str] = []
    chain = copy.deepcopy(nn.Sequential(*_parts(module, kind))).eval()
    operations = [*_scaling(module, notes), *chain_operations(chain, kind)]
    if hasattr(module, "n_quantiles"):
        last = operations[-1]
        assert isinstance(last, Linear)
        operations[-1] = mean_over_quantiles(last, int(module.action_space.n))
        notes.append(
            f"The mean over {module.n_quantiles} quantiles was folded into the last layer."
        )
    return SourceNetwork(
        operations=tuple(operations),
        input_shape=tuple(module.observation_space.shape) or None,
        provenance={"format": "Stable-Baselines3 module", "class": kind},
        notes=tuple(notes),
    )


def _parts(module: Any, kind: str) -> tuple[nn.Module, ...]:
    """The modules that an observation goes through."""
    actions = type(module.action_space).__name__
    if actions != "Discrete":
        raise UnsupportedLayerError(
            f"{kind} has a {actions} action space: only Discrete actions can be decoded from "
            "outputs"
        )
    for head in ("q_net", "quantile_net"):
        if hasattr(module, head):
            return (module.features_extractor, getattr(module, head))
    if hasattr(module, "mlp_extractor") and hasattr(module, "action_net"):
        features = getattr(module, "pi_features_extractor", module.features_extractor)
        return (features, module.mlp_extractor.policy_net, module.action_net)
    raise UnsupportedLayerError(
        f"{kind} is no network of DQN, QR-DQN, A2C or PPO: give a module of nn.Linear, nn.ReLU and "
        "the like"
    )


def _scaling(module: Any, notes: list[str]) -> list[Operation]:
    from stable_baselines3.common.preprocessing import is_image_space

    space = module.observation_space
    if type(space).__name__ in ("Discrete", "MultiDiscrete"):
        notes.append(
            f"Stable-Baselines3 encodes {type(space).__name__} observations one-hot: give them so."
        )
    if not (module.normalize_images and is_image_space(space)):
        return []
    notes.append("Stable-Baselines3 divides images of bytes by 255.")
    return [Affine(name="x / 255", scale=np.asarray(1 / 255), shift=np.zeros(()))]
