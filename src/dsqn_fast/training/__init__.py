"""Training with torch: policies and, from any policy, networks that are easier to convert."""

from dsqn_fast.training.dqn_settings import DqnSettings, DsqnSettings
from dsqn_fast.training.methods import METHODS, load_method
from dsqn_fast.training.policy_training import train_dqn, train_policy
from dsqn_fast.training.presets import PRESETS, preset_settings
from dsqn_fast.training.report import TrainingReport

__all__ = [
    "METHODS",
    "PRESETS",
    "DqnSettings",
    "DsqnSettings",
    "TrainingReport",
    "load_method",
    "preset_settings",
    "train_dqn",
    "train_policy",
]
