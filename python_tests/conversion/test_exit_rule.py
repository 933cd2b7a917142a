"""A kappa of the user's own, with a spread that is carried along or measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dsqn_fast.agents import SpikingAgent
from dsqn_fast.conversion.early_exit import margin_spread
from dsqn_fast.conversion.exit_rule import play_with_kappa, with_kappa
from dsqn_fast.engine import Engine
from dsqn_fast.errors import OptionError
from dsqn_fast.evaluation import evaluate
from dsqn_fast.model import EarlyExit, SpikingModel
from dsqn_fast.model_io import load_policy


@pytest.fixture(scope="module")
def model(policies: Path) -> SpikingModel:
    return load_policy(policies / "cartpole-dqn.npz")


def test_a_decision_stops_where_the_margin_exceeds_kappa_times_the_spread(
    model: SpikingModel,
) -> None:
    x = np.random.default_rng(0).normal(0, 0.3, (200, 4)).astype(np.float32)
    early = with_kappa(model, 0.5, x)
    assert early.early_exit is not None
    assert early.early_exit.spread == margin_spread(model, x)
    limit = np.float32(0.5 * early.early_exit.spread)
    full = Engine(model).run(x, record=(-1,)).potentials[2]
    ordered = np.sort(full, axis=2)
    beyond = (ordered[..., -1] - ordered[..., -2]) > limit
    wanted = np.where(beyond.any(axis=1), beyond.argmax(axis=1) + 1, model.n_steps)
    np.testing.assert_array_equal(Engine(early).run(x).steps_used, wanted)
    assert wanted.min() < model.n_steps


def test_a_carried_spread_is_kept_and_zero_runs_all_steps(model: SpikingModel) -> None:
    carried = model.replace(early_exit=EarlyExit(kappa=1.0, spread=3.5))
    assert with_kappa(carried, 2.0).early_exit == EarlyExit(kappa=2.0, spread=3.5)
    assert play_with_kappa(carried, 0.0).early_exit is None


def test_the_source_plays_to_measure_the_spread(model: SpikingModel) -> None:
    first, second = (play_with_kappa(model, 0.5, seed=3).early_exit for _ in range(2))
    assert first is not None
    assert first == second
    report = evaluate(SpikingAgent(model.replace(early_exit=first)), episodes=2, seed=0)
    assert report.steps_used is not None
    assert report.steps_95 is not None
    assert report.steps_used < model.n_steps
    assert report.steps_used <= report.steps_95 <= model.n_steps


@pytest.mark.parametrize("kappa", [-1.0, float("nan"), float("inf")])
def test_kappas_that_are_none(model: SpikingModel, kappa: float) -> None:
    with pytest.raises(OptionError, match="kappa must be a finite number of at least 0"):
        with_kappa(model, kappa)


def test_without_source_or_spread_the_advice_is_to_convert(model: SpikingModel) -> None:
    with pytest.raises(OptionError, match=r"--early-exit 0\.99"):
        play_with_kappa(model.replace(source=None), 1.0)
    with pytest.raises(OptionError, match="decoding 'count'"):
        with_kappa(model.replace(decoding="count"), 1.0, np.zeros((2, 4), np.float32))
