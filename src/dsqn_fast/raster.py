"""One decision of a policy, drawn into a file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.agents import SpikingAgent
from dsqn_fast.environments import check_fits, make_environment
from dsqn_fast.errors import OptionError
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.output_files import check_writable, write_whole

MOST_STEPS: Final = 10_000
"""Time steps that a picture can show; every potential of every neuron is kept for it."""


def draw_decision(
    model: SpikingModel,
    path: str | Path,
    *,
    observation: str | None = None,
    n_steps: int | None = None,
    seed: int = 0,
) -> None:
    """Draw the spikes of every population and the output potentials of one decision.

    Args:
        model: The policy.
        path: Where the picture goes; its ending chooses the format, .png, .pdf or .svg.
        observation: Numbers with commas between them; None takes the first observation of the
            policy's environment.
        n_steps: Time steps; None takes the policy's own.
        seed: Seed of the environment and of the noise.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OutputPathError: The file cannot be written.
        OptionError: The observation or the file's ending is none, or there are too many steps.
        ObservationError: The observation does not fit the policy.
    """
    from dsqn_fast.figures import decision_figure

    kind = Path(path).suffix.lstrip(".").lower()
    if kind not in ("png", "pdf", "svg"):
        raise OptionError(f"a picture must end in .png, .pdf or .svg, not {Path(path).name!r}")
    check_writable(path)
    agent = SpikingAgent(model, n_steps=n_steps, seed=seed)
    if agent.n_steps > MOST_STEPS:
        raise OptionError(f"a picture shows at most {MOST_STEPS} n_steps, not {agent.n_steps}")
    values = first_observation(model, seed) if observation is None else parse(observation)
    result = agent.simulate(values, decisions=0, record="all")
    picture = io.BytesIO()
    decision_figure(result).savefig(picture, format=kind, dpi=150)
    write_whole(path, picture.getvalue())


def parse(text: str) -> NDArray[np.float64]:
    """Numbers with commas or blanks between them.

    Raises:
        OptionError: One of them is not a number.
    """
    words = text.replace(",", " ").split()
    try:
        return np.array([float(word) for word in words])
    except ValueError as error:
        raise OptionError(
            f'an observation must be numbers such as "0.1,0.2", not {text!r}: {error}'
        ) from None


def first_observation(model: SpikingModel, seed: int) -> NDArray[Any]:
    """The observation that an episode of the policy's environment starts with.

    Raises:
        OptionError: The policy names no environment.
        EnvironmentMismatchError: The environment does not fit the policy.
    """
    if model.env_id is None:
        raise OptionError("the policy names no environment: give an observation")
    env = make_environment(model.env_id, preprocessing=model.preprocessing)
    try:
        check_fits(env, model)
        observation, _ = env.reset(seed=seed)
    finally:
        env.close()
    return np.asarray(observation)
