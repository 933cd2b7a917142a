"""Stable-Baselines3's A2C and PPO as learners; the actor is a ReLU network that converts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.vec_env import DummyVecEnv

from dsqn_fast.environments import Environment
from dsqn_fast.errors import TrainingError
from dsqn_fast.training.actor_settings import A2cSettings, CriticSettings, PpoSettings
from dsqn_fast.training.devices import chosen_device
from dsqn_fast.training.network_evaluation import Network
from dsqn_fast.training.network_export import export_network
from dsqn_fast.training.plan import TrainingPlan
from dsqn_fast.training.sb3_learner import SB3Learner


class CheckedA2C(A2C):
    """A2C that ends where its loss or its weights are not finite."""

    def train(self) -> None:
        """One update from the rollout buffer.

        Raises:
            TrainingError: A weight has become NaN or infinite.
        """
        _update(self, super().train)


class CheckedPPO(PPO):
    """PPO that ends where its loss or its weights are not finite."""

    def train(self) -> None:
        """One update from the rollout buffer.

        Raises:
            TrainingError: A weight has become NaN or infinite.
        """
        _update(self, super().train)


def _update(algorithm: OnPolicyAlgorithm, train: Callable[[], None]) -> None:
    try:
        train()
        refused = None
    except ValueError as error:  # of torch's distributions, for probabilities that are NaN
        refused = error
    if not all(torch.isfinite(parameter).all() for parameter in algorithm.policy.parameters()):
        raise TrainingError(
            f"a weight became NaN or infinite in the update at step {algorithm.num_timesteps}, "
            "where finite numbers are needed: lower learning_rate or check the environment's "
            "rewards"
        )
    if refused is not None:
        raise refused


class ActorCriticLearner(SB3Learner):
    """A2C or PPO, as the settings are for one or the other.

    Args:
        plan: What to do.
        envs: ``n_envs`` environments.
        folder: The run's folder.
    """

    algorithm: OnPolicyAlgorithm

    def __init__(self, plan: TrainingPlan, envs: list[Environment], folder: Path) -> None:
        settings = plan.settings
        assert isinstance(settings, CriticSettings)
        made = DummyVecEnv([lambda env=env: env for env in envs])  # type: ignore[misc]
        options = {
            **_options(settings),
            "seed": plan.seed,
            "device": chosen_device(settings.device),
        }
        if isinstance(settings, PpoSettings):
            algorithm: OnPolicyAlgorithm = CheckedPPO("MlpPolicy", made, **options)
        else:
            algorithm = CheckedA2C("MlpPolicy", made, **options)
        super().__init__(algorithm, plan, folder)

    def network(self, provenance: Mapping[str, Any]) -> Network:
        """The actor, whose largest output is the action."""
        policy = self.algorithm.policy
        assert isinstance(policy, ActorCriticPolicy)
        modules = [*policy.mlp_extractor.policy_net, policy.action_net]
        return export_network(
            modules, scaling=self.scaling, env_id=self.plan.env_id, provenance=provenance
        )


def _options(settings: CriticSettings) -> dict[str, Any]:
    """Arguments of Stable-Baselines3's constructors."""
    hidden = list(settings.hidden)
    shape = {"net_arch": {"pi": hidden, "vf": hidden}, "activation_fn": torch.nn.ReLU}
    options = {
        "learning_rate": settings.rate_at,
        "n_steps": settings.rollout_steps,
        "gamma": settings.gamma,
        "gae_lambda": settings.gae_lambda,
        "ent_coef": settings.entropy,
        "vf_coef": settings.value_weight,
        "max_grad_norm": settings.clip,
        "policy_kwargs": shape,
    }
    if isinstance(settings, PpoSettings):
        options |= {
            "batch_size": settings.batch_size,
            "n_epochs": settings.epochs,
            "clip_range": settings.clip_range,
        }
    else:
        assert isinstance(settings, A2cSettings)
    return options
