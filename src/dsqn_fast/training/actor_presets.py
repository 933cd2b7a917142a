"""Named hyperparameters of the policy gradient methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dsqn_fast.training.actor_settings import A2cSettings, PpoSettings, ReinforceSettings
from dsqn_fast.training.settings import TrainingSettings

_CARTPOLE_SCALE: Final = (2.4, 2.0, 0.2, 2.0)

REINFORCE: Final[Mapping[str, Mapping[str, TrainingSettings]]] = {
    "default": {
        "CartPole-v1": ReinforceSettings(
            hidden=(16, 16),
            total_steps=150_000,
            learning_rate=1e-2,
            gamma=0.99,
            observation_scale=_CARTPOLE_SCALE,
            eval_every=10_000,
            eval_episodes=50,
            checkpoint_every=20_000,
        ),
        "": ReinforceSettings(learning_rate=3e-3, eval_every=10_000, checkpoint_every=20_000),
    },
}
A2C: Final[Mapping[str, Mapping[str, TrainingSettings]]] = {
    "default": {
        "CartPole-v1": A2cSettings(
            total_steps=200_000,
            learning_rate=7e-4,
            learning_rate_end=0.0,
            observation_scale=_CARTPOLE_SCALE,
            eval_every=10_000,
            eval_episodes=50,
            checkpoint_every=20_000,
        ),
        "": A2cSettings(learning_rate=7e-4, eval_every=10_000, checkpoint_every=20_000),
    },
}
PPO: Final[Mapping[str, Mapping[str, TrainingSettings]]] = {
    "default": {
        "CartPole-v1": PpoSettings(
            total_steps=60_000,
            learning_rate=1e-3,
            learning_rate_end=0.0,
            gamma=0.98,
            gae_lambda=0.8,
            observation_scale=_CARTPOLE_SCALE,
            eval_every=5_000,
            eval_episodes=50,
            checkpoint_every=20_000,
        ),
        "MountainCar-v0": PpoSettings(
            total_steps=100_000,
            learning_rate=1e-3,
            learning_rate_end=0.0,
            reward="mountain-car-energy",
            observation_mean=(-0.3, 0.0),
            observation_scale=(0.5, 0.04),
            eval_every=5_000,
            eval_episodes=50,
            checkpoint_every=20_000,
        ),
        "": PpoSettings(learning_rate=3e-4, eval_every=10_000, checkpoint_every=20_000),
    },
}
