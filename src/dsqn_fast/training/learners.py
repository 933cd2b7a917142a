"""From a plan to the learner of its method."""

from __future__ import annotations

from pathlib import Path

from dsqn_fast.environments import Environment
from dsqn_fast.training.actor_settings import CriticSettings, ReinforceSettings
from dsqn_fast.training.classifier_settings import ClassifierSettings
from dsqn_fast.training.learner import Learner
from dsqn_fast.training.plan import TrainingPlan


def make_learner(plan: TrainingPlan, envs: list[Environment], folder: Path) -> Learner:
    """A new learner.

    Args:
        plan: What to do; the kind of its settings says how.
        envs: As many environments as the settings ask for.
        folder: The run's folder.
    """
    if isinstance(plan.settings, ReinforceSettings):
        from dsqn_fast.training.reinforce import Reinforce

        return Reinforce(plan, envs, folder)
    if isinstance(plan.settings, CriticSettings):
        from dsqn_fast.training.actor_critic import ActorCriticLearner

        return ActorCriticLearner(plan, envs, folder)
    if isinstance(plan.settings, ClassifierSettings):
        from dsqn_fast.training.classifier_learner import ClassifierLearner

        return ClassifierLearner(plan, envs, folder)
    from dsqn_fast.training.q_learner import QLearner

    return QLearner(plan, envs, folder)
