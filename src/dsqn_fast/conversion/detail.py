"""A conversion with its options in groups, and everything that was looked at on the way."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.conversion.auto import Route, convert_automatically
from dsqn_fast.conversion.auto_report import AutoReport
from dsqn_fast.conversion.calibration_set import CalibrationSet, make_calibration_set
from dsqn_fast.conversion.follow import follow_recipe, needs_observations
from dsqn_fast.conversion.gather import gather_observations
from dsqn_fast.conversion.observation_files import load_observations
from dsqn_fast.conversion.option_groups import AutoOptions, CalibrationOptions, SearchOptions
from dsqn_fast.conversion.options import DEFAULT_N_STEPS, Dynamics, Recipe, check_kind
from dsqn_fast.environments import check_fits, make_environment
from dsqn_fast.errors import MissingExtraError, OptionError
from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.options import check_n_steps
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.run_options import check_seed
from dsqn_fast.version import package_version

GIVE_EITHER = "give `--env ID` or `--observations FILE` (env_id or observations in Python)"
"""What to do where neither is known."""
Observations = NDArray[Any] | str | Path
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a conversion needs beside its recipe.

    Attributes:
        dynamics: Reset, encoding, decoding and timing.
        env_id: Environment that the policy plays; None for the source network's.
        n_steps: Time steps T; None for 100, or for what ``auto`` finds.
        seed: Seed of everything random, 0 <= seed < 2**64.
        calibration: Which observations are looked at.
        auto: What ``auto`` aims at.
        search: How long ``search`` searches.
    """

    dynamics: Dynamics = field(default_factory=Dynamics)
    env_id: str | None = None
    n_steps: int | None = None
    seed: int = 0
    calibration: CalibrationOptions = field(default_factory=CalibrationOptions)
    auto: AutoOptions = field(default_factory=AutoOptions)
    search: SearchOptions = field(default_factory=SearchOptions)

    def __post_init__(self) -> None:
        check_kind("dynamics", self.dynamics, Dynamics)
        check_kind("calibration", self.calibration, CalibrationOptions)
        check_kind("auto", self.auto, AutoOptions)
        check_kind("search", self.search, SearchOptions)
        check_seed(self.seed)
        if self.n_steps is not None:
            check_n_steps(self.n_steps)


@dataclass(frozen=True, kw_only=True, eq=False)
class Conversion:
    """A converted model and how it came about.

    Attributes:
        model: The spiking policy.
        calibration: The observations; None where the weights alone were enough.
        report: How ``auto`` chose; None for a named normalization.
    """

    model: SpikingModel
    calibration: CalibrationSet | None
    report: AutoReport | None


def convert_in_detail(
    ann: AnnModel,
    observations: Observations | None = None,
    *,
    recipe: Recipe,
    settings: Settings | None = None,
    routes: Sequence[Route] = (),
    progress: Say | None = None,
) -> Conversion:
    """Convert a source network; see `dsqn_fast.conversion.convert` for the arguments' meaning.

    Args:
        ann: The source network.
        observations: (B, *shape), a file of them, or None to gather them.
        recipe: Normalization, start potential, biases and spike mode. With ``auto`` only its
            percentile counts: the rest is chosen.
        settings: Everything else.
        routes: Fine-tuning routes for ``auto``.
        progress: Told what is done next, in words.

    Raises:
        OptionError: An option is not one of its values, or observations are needed and there
            is no environment to gather them in.
        ObservationError: Observations do not fit or are not finite.
        ModelError: Options do not go together.
        UnknownEnvironmentError: There is no such environment.
        EnvironmentMismatchError: The environment does not fit the network.
    """
    if not isinstance(ann, AnnModel):
        raise OptionError(
            f"only an AnnModel can be converted, not {type(ann).__name__}: load it by load_ann"
        )
    settings = settings or Settings()
    check_kind("settings", settings, Settings)
    check_kind("recipe", recipe, Recipe)
    for route in routes:
        check_kind("every route", route, Route)
    if settings.env_id is not None:
        ann = replace(ann, env_id=settings.env_id)
        check_environment(ann)
    say = progress or (lambda words: None)
    calibration = None
    automatic = recipe.normalization == "auto"
    if automatic or observations is not None or needs_observations(recipe):
        calibration = calibration_for(ann, observations, settings, say)
    if automatic and calibration is not None:
        result = convert_automatically(
            calibration,
            dynamics=settings.dynamics,
            options=settings.auto,
            percentile=recipe.percentile,
            n_steps=settings.n_steps,
            env_id=ann.env_id,
            import_modules=settings.env_id is not None,
            routes=routes,
            seed=settings.seed,
            progress=progress,
        )
        model, report = result.model, result.report
    else:
        say(f"converting by {recipe.describe()}")
        model, report = _by_recipe(ann, calibration, recipe, settings, say), None
    provenance = _provenance(ann, recipe, settings, calibration, report)
    return Conversion(
        model=model.replace(provenance=provenance), calibration=calibration, report=report
    )


def check_environment(ann: AnnModel) -> None:
    """Check that a network can play the environment that the user typed for it.

    Raises:
        UnknownEnvironmentError: There is no such environment.
        EnvironmentMismatchError: It does not fit the network.
    """
    if ann.env_id is None:
        return
    try:
        env = make_environment(ann.env_id, preprocessing=ann.preprocessing, import_modules=True)
    except MissingExtraError:  # who converts need not have installed what plays
        return
    try:
        check_fits(env, ann)
    finally:
        env.close()


def _by_recipe(
    ann: AnnModel,
    calibration: CalibrationSet | None,
    recipe: Recipe,
    settings: Settings,
    say: Say,
) -> SpikingModel:
    def report(done: int, trials: int, best: float) -> None:
        say(f"search: {done} of {trials} trials, best agreement {best:.2%}")

    return follow_recipe(
        ann,
        calibration,
        recipe,
        dynamics=settings.dynamics,
        n_steps=settings.n_steps or DEFAULT_N_STEPS,
        search=settings.search,
        seed=settings.seed,
        progress=report,
    )


def calibration_for(
    ann: AnnModel, observations: Observations | None, settings: Settings, say: Say | None = None
) -> CalibrationSet:
    """Calibration observations: those given, or gathered by playing the source network.

    Args:
        ann: The source network.
        observations: (B, *shape), a ``.npy`` or ``.npz`` file, or None to gather them.
        settings: Environment, seed and limits.
        say: Told what is done next, in words.

    Raises:
        OptionError: There are none, and no environment to gather them in.
        ObservationError: They do not fit or are not finite.
    """
    options, seed = settings.calibration, settings.seed
    env_id = settings.env_id or ann.env_id
    if isinstance(observations, str | Path):
        array, origin = load_observations(observations), f"file {Path(observations).name}"
    elif observations is not None:
        array, origin = observations, "given by the caller"
    elif env_id is None:
        raise OptionError(
            "calibration needs observations, or an environment to gather them in, which the "
            f"source does not name: {GIVE_EITHER}"
        )
    else:
        if say is not None:
            say(f"gathering observations in {env_id}")
        array = gather_observations(
            ann, env_id, options=options, seed=seed, import_modules=settings.env_id is not None
        ).observations
        origin = f"source network in {env_id}, epsilon {options.epsilon:g}, seed {seed}"
    return make_calibration_set(ann, array, options=options, seed=seed, origin=origin)


def _provenance(
    ann: AnnModel,
    recipe: Recipe,
    settings: Settings,
    calibration: CalibrationSet | None,
    report: AutoReport | None,
) -> dict[str, Any]:
    """How the model was converted, as JSON values."""
    conversion: dict[str, Any] = {
        "recipe": asdict(recipe),
        "dynamics": asdict(settings.dynamics),
        "seed": settings.seed,
        "calibration": None if calibration is None else calibration.describe(),
        "versions": {
            "dsqn_fast": package_version(),
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if recipe.normalization == "search":
        conversion["search"] = asdict(settings.search)
    if report is not None:
        conversion["auto"] = {
            "wanted_agreement": report.wanted_agreement,
            "wanted_return": report.wanted_return,
            "reached": report.reached,
            "route": report.route,
            "recipe": report.recipe,
            "test": report.test.to_dict(),
            "played": None if report.played is None else asdict(report.played),
        }
    return {"source": dict(ann.provenance), "conversion": conversion}
