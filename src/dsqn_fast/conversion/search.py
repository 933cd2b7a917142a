"""Scales searched for: one factor per layer, chosen by the actions that come out.

Patel et al. 2019 searched the scale of every layer of a spiking Q network; here Optuna's tree of
Parzen estimators looks for factors on the scales of `channel`, and the share of calibration
observations with the source network's action is maximised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.conversion.option_groups import SearchOptions
from dsqn_fast.conversion.options import Dynamics, Recipe
from dsqn_fast.conversion.scaling import build_model
from dsqn_fast.conversion.simulate import simulate
from dsqn_fast.errors import MissingExtraError
from dsqn_fast.model.ann import AnnModel

Floats = NDArray[np.floating]
SearchProgress = Callable[[int, int, float], None]


def search_scales(
    ann: AnnModel,
    scales: tuple[Floats, ...],
    observations: NDArray[Any],
    *,
    dynamics: Dynamics,
    recipe: Recipe,
    n_steps: int,
    options: SearchOptions,
    seed: int = 0,
    progress: SearchProgress | None = None,
) -> tuple[Floats, ...]:
    """Improve scales; they are among those tried, so that the result is never worse on these.

    Args:
        ann: The source network.
        scales: Where to start from, those of `channel`.
        observations: (B, *shape) on which actions are compared.
        dynamics: Reset, encoding, decoding and timing.
        recipe: Start potential and spike mode.
        n_steps: Time steps per decision.
        options: Number of trials and range of the factors.
        seed: Seed of the search.
        progress: Called after each trial with trials done, trials in all, best agreement.

    Raises:
        MissingExtraError: Optuna is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise MissingExtraError(
            "normalization 'search' needs optuna, which is not installed: "
            'pip install "dsqn-fast[search]"'
        ) from error
    wanted = ann.forward(observations).argmax(axis=1)
    # The last layer's scale changes no decision where potentials are compared.
    searched = len(scales) - 1 if dynamics.decoding == "potential" else len(scales)

    def objective(trial: Any) -> float:
        factors = [
            trial.suggest_float(f"layer_{i}", options.lowest, options.highest, log=True)
            for i in range(searched)
        ]
        model = build_model(
            ann,
            _multiplied(scales, factors),
            dynamics=dynamics,
            recipe=recipe,
            n_steps=n_steps,
        )
        actions = simulate(model, observations, seed=seed).actions
        return float((actions == wanted).mean())

    def report(study: Any, trial: Any) -> None:
        if progress is not None:
            progress(trial.number + 1, options.trials, study.best_value)

    with _quiet(optuna.logging):
        sampler = optuna.samplers.TPESampler(seed=seed)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        if options.lowest <= 1.0 <= options.highest:
            study.enqueue_trial({f"layer_{i}": 1.0 for i in range(searched)})
        study.optimize(objective, n_trials=options.trials, callbacks=[report])
    return _multiplied(scales, [study.best_params[f"layer_{i}"] for i in range(searched)])


@contextmanager
def _quiet(logging: Any) -> Iterator[None]:
    """Optuna's logging with warnings only, and afterwards as it was."""
    before = logging.get_verbosity()
    logging.set_verbosity(logging.WARNING)
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _multiplied(scales: tuple[Floats, ...], factors: list[float]) -> tuple[Floats, ...]:
    padded = [*factors, *[1.0] * (len(scales) - len(factors))]
    return tuple(
        (scale * factor).astype(scale.dtype) for scale, factor in zip(scales, padded, strict=True)
    )
