"""A classifier beside its teacher, on the same episodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.agents import Agent, AnnAgent, SpikingAgent
from dsqn_fast.conversion import load_observations
from dsqn_fast.environments import Environment, check_fits
from dsqn_fast.errors import ObservationError, OptionError
from dsqn_fast.evaluation import evaluate
from dsqn_fast.evaluation_report import EvaluationReport
from dsqn_fast.model import AnnModel, SpikingModel
from dsqn_fast.model.observations import TakesObservations, prepare_observations
from dsqn_fast.statistics import paired_comparison
from dsqn_fast.training.classifier_settings import ClassifierSettings
from dsqn_fast.training.lessons import FEWEST_STATES

if TYPE_CHECKING:
    from dsqn_fast.training.plan import TrainingPlan


def check_teacher(settings: ClassifierSettings, env: Environment, env_id: str) -> None:
    """Refuse a teacher that is not there or cannot teach in an environment, and states alike.

    Raises:
        OptionError: None is named.
        ModelFileError: There is no such teacher, or file of states.
        EnvironmentMismatchError: It does not fit the environment.
        UnsupportedError: It sees images.
        ObservationError: The states do not fit it, or are too few.
    """
    from dsqn_fast.training.distill import check_vector_observations
    from dsqn_fast.training.teachers import open_teacher

    if not settings.teacher:
        raise OptionError(
            "a classifier needs a teacher: give a policy, another trained network or the folder "
            "of a run with --teacher"
        )
    network = open_teacher(settings.teacher, env_id=env_id).network
    check_vector_observations(network)
    check_fits(env, network)
    given_states(settings, network)


def given_states(settings: ClassifierSettings, network: TakesObservations) -> NDArray[Any] | None:
    """The states (B, n) of the settings' file; None where the teacher plays.

    Raises:
        ModelFileError: There is no such file.
        ObservationError: It is no such file, or its states do not fit or are too few.
    """
    if settings.observations is None:
        return None
    states = load_observations(settings.observations)
    prepare_observations(network, states, np.float32)
    if states.ndim != 2 or len(states) < FEWEST_STATES:
        raise ObservationError(
            f"{settings.observations!r} holds {len(states) if states.ndim == 2 else 1} states, "
            f"but {FEWEST_STATES} or more are needed to teach a network"
        )
    return states


def teacher_score(
    plan: TrainingPlan, network: AnnModel | SpikingModel, model: SpikingModel | None
) -> Mapping[str, Any]:
    """What the teacher reaches on the test's episodes, and how its pupils differ from it.

    Args:
        plan: Of a classifier.
        network: The best network.
        model: The spiking policy that it is or became; None without any.

    Returns:
        JSON values: the teacher's return, and of ``network`` and ``spiking`` the paired
        comparison with it, the difference as a share of the teacher's return, and the share of
        decisions with the teacher's action on the states that they visit themselves.
    """
    from dsqn_fast.training.teachers import open_teacher

    settings = plan.settings
    assert isinstance(settings, ClassifierSettings)
    teacher = open_teacher(settings.teacher, env_id=plan.env_id)

    def play(agent: Agent) -> EvaluationReport:
        episodes, seed = settings.test_episodes, plan.seeds["test"]
        return evaluate(agent, plan.env_id, episodes=episodes, seed=seed, source=teacher.agent)

    taught = play(teacher.agent)

    def beside(agent: Agent) -> dict[str, Any]:
        report = play(agent)
        pair = paired_comparison(report.returns, taught.returns)
        share = pair.difference / abs(taught.mean) if taught.mean else None
        return {**pair.to_dict(), "share": share, "agreement": report.agreement}

    scores: dict[str, Any] = {
        **teacher.origin,
        "mean_return": taught.mean,
        "std_return": taught.std,
        "min_return": float(taught.returns.min()),
        "episodes": taught.episodes,
    }
    if isinstance(network, AnnModel):
        scores["network"] = beside(AnnAgent(network))
    if model is not None:
        scores["spiking"] = beside(SpikingAgent(model))
    return scores
