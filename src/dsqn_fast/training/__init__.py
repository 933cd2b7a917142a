"""Training with torch: Q networks and, from any policy, networks that are easier to convert."""

from dsqn_fast.training.dqn import train_dqn
from dsqn_fast.training.dqn_settings import DqnSettings
from dsqn_fast.training.presets import PRESETS, dqn_preset
from dsqn_fast.training.report import TrainingReport

METHODS = ("dqn",)

__all__ = ["METHODS", "PRESETS", "DqnSettings", "TrainingReport", "dqn_preset", "train_dqn"]
