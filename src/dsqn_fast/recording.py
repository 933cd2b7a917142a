"""One episode of a spiking policy as a film, and one moment of it as a figure."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import gymnasium
import numpy as np
from numpy.typing import NDArray

from dsqn_fast.agents import SpikingAgent
from dsqn_fast.environments import Environment, check_fits, make_environment
from dsqn_fast.episodes import episode_seed
from dsqn_fast.errors import EnvironmentMismatchError, MissingExtraError, OptionError
from dsqn_fast.film import Film, check_film, open_film, side_by_side
from dsqn_fast.model.options import check_n_steps
from dsqn_fast.output_files import check_writable, write_whole
from dsqn_fast.random_actions import RandomActions
from dsqn_fast.raster import MOST_STEPS
from dsqn_fast.results import SimulationResult
from dsqn_fast.spike_panel import spike_panel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SMALLEST_HEIGHT: Final = 400
"""Pictures of fewer rows are enlarged by a whole factor to about so many."""
DEFAULT_RATE: Final = 30.0
"""Decisions per second of environments that do not say."""


@dataclass(frozen=True, kw_only=True)
class RecordingOptions:
    """How an episode is recorded.

    Attributes:
        seed: Seed of the episode and of the noise; the episode is the first that `evaluate`
            plays with it.
        epsilon: Share of random actions.
        most_decisions: The recording stops after so many.
        still_at: Decision that the figure shows, the last one of a shorter episode.
        env_id: Another environment than the policy's.
    """

    seed: int = 0
    epsilon: float = 0.0
    most_decisions: int = 2_000
    still_at: int = 100
    env_id: str | None = None

    def __post_init__(self) -> None:
        check_n_steps(self.most_decisions, "most_decisions")
        if isinstance(self.still_at, bool) or not isinstance(self.still_at, int):
            raise OptionError(f"still_at must be an integer, not {self.still_at!r}")
        if not 0 <= self.still_at <= MOST_STEPS:
            raise OptionError(f"still_at must be from 0 to {MOST_STEPS}, not {self.still_at}")


@dataclass(frozen=True, kw_only=True)
class Recording:
    """What was recorded.

    Attributes:
        decisions: How many.
        episode_return: Sum of rewards until then.
        ended: Whether the episode ended by itself.
    """

    decisions: int
    episode_return: float
    ended: bool


@dataclass(frozen=True, kw_only=True)
class _Moment:
    step: int
    picture: NDArray[np.uint8]
    result: SimulationResult


def record_episode(
    agent: SpikingAgent,
    *,
    film: str | Path | None = None,
    still: str | Path | None = None,
    options: RecordingOptions | None = None,
    progress: Callable[[int], None] | None = None,
) -> Recording:
    """Let a spiking policy play one episode and record it.

    Args:
        agent: Who plays.
        film: .mp4 or .gif with the environment's picture on the left, the spikes of each
            decision on the right; None for none.
        still: .png, .pdf or .svg of one decision: the picture, a raster of every population and
            the output potentials; None for none.
        options: Which episode, and how much of it.
        progress: Called with the number of decisions so far.

    Raises:
        OptionError: A file's ending or an option is none that is known, or there are too many
            time steps to record.
        OutputPathError: A file cannot be written.
        MissingExtraError: What draws films, figures or this environment is not installed.
        EnvironmentMismatchError: The environment does not fit the policy or has no picture.
    """
    options = options or RecordingOptions()
    if agent.n_steps > MOST_STEPS:
        raise OptionError(f"a recording shows at most {MOST_STEPS} n_steps, not {agent.n_steps}")
    if film is not None:
        check_film(film)
    if still is not None:
        check_still(still)
    env = _environment(agent, options)
    try:
        rate = decisions_per_second(env)
        with nullcontext() if film is None else open_film(film, frames_per_second=rate) as strip:
            last = options.still_at if still is not None else -1
            recording, moment = _play(agent, env, strip, options, last, progress)
    finally:
        env.close()
    if still is not None and moment is not None:
        picture = io.BytesIO()
        kind = Path(still).suffix.lstrip(".").lower()
        moment_figure(moment.picture, moment.result, moment.step).savefig(
            picture, format=kind, dpi=120
        )
        write_whole(still, picture.getvalue())
    return recording


def _play(
    agent: SpikingAgent,
    env: Environment,
    film: Film | None,
    options: RecordingOptions,
    still_at: int,
    progress: Callable[[int], None] | None,
) -> tuple[Recording, _Moment | None]:
    observation, _ = env.reset(seed=episode_seed(options.seed, 0))
    total, step, ended, moment = 0.0, 0, False, None
    while not ended and step < options.most_decisions:
        record = "all" if film is not None or step <= still_at else ()
        seen = np.asarray(observation)[np.newaxis]
        result = agent.simulate(seen, decisions=step, record=record)  # type: ignore[arg-type]
        if record:
            picture = _picture(env)
            if film is not None:
                film.append_data(_frame(picture, result))
            if step <= still_at:
                moment = _Moment(step=step, picture=picture, result=result)
        observation, reward, terminated, truncated, _ = env.step(int(result.actions[0]))
        total, step, ended = total + float(reward), step + 1, bool(terminated or truncated)
        if progress is not None:
            progress(step)
    return Recording(decisions=step, episode_return=total, ended=ended), moment


def _environment(agent: SpikingAgent, options: RecordingOptions) -> Environment:
    env_id = options.env_id or agent.env_id
    if env_id is None:
        raise OptionError("the policy names no environment: pass the id of one")
    env = make_environment(
        env_id,
        preprocessing=agent.preprocessing,
        import_modules=options.env_id is not None,
        pictures=True,
    )
    check_fits(env, agent.model)
    return RandomActions(env, options.epsilon) if options.epsilon else env


def _picture(env: Environment) -> NDArray[np.uint8]:
    """What the environment looks like, (height, width, 3) uint8, enlarged where it is small."""
    try:
        picture: Any = env.render()
    except (ImportError, gymnasium.error.DependencyNotInstalled) as error:
        reason = " ".join(str(error).split())
        raise MissingExtraError(
            f"the picture of the environment needs a package that is not installed: {reason}"
        ) from error
    if not isinstance(picture, np.ndarray) or picture.ndim != 3 or picture.shape[2] != 3:
        raise EnvironmentMismatchError(
            f"a recording needs pictures of shape (height, width, 3), but the environment gives "
            f"{getattr(picture, 'shape', type(picture).__name__)}: record another one"
        )
    factor = max(1, round(SMALLEST_HEIGHT / picture.shape[0]))
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def _frame(picture: NDArray[np.uint8], result: SimulationResult) -> NDArray[np.uint8]:
    spikes = {index: trains[0] for index, trains in result.spikes.items()}
    height = picture.shape[0]
    panel = spike_panel(spikes, result.outputs[0], height=height, width=height)
    return side_by_side(picture, panel)


def decisions_per_second(env: Environment) -> float:
    """How many decisions an environment takes in a second of real time."""
    try:
        return float(env.get_wrapper_attr("decisions_per_second"))
    except AttributeError:
        return float(env.metadata.get("render_fps") or DEFAULT_RATE)


def check_still(path: str | Path) -> None:
    """Check early that a figure can be drawn.

    Raises:
        OptionError: The file's ending is none of a picture.
        OutputPathError: The file cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    from dsqn_fast.figures import new_figure

    if Path(path).suffix.lower() not in (".png", ".pdf", ".svg"):
        raise OptionError(f"a picture must end in .png, .pdf or .svg, not {Path(path).name!r}")
    check_writable(path)
    new_figure(1.0, 1.0)


def moment_figure(picture: NDArray[np.uint8], result: SimulationResult, step: int) -> Figure:
    """The environment's picture beside the spikes and potentials of one decision.

    Args:
        picture: (height, width, 3) uint8.
        result: The decision, all populations recorded.
        step: Which decision of the episode it is.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    from dsqn_fast.figures import draw_decision_panels, new_figure

    figure = new_figure(13.0, 7.0)
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(1.0, 1.6))[0]
    axes = left.subplots()
    axes.imshow(picture)
    axes.set_axis_off()
    axes.set_title(f"decision {step}: action {int(result.actions[0])}")
    draw_decision_panels(right, result, row=0)
    return figure
