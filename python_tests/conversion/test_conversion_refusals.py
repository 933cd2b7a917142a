"""Every wrong argument of the conversion gets one sentence, in an exception of the package."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from conversion.conversion_networks import dense_network, observations_for

import dsqn_fast as df
from dsqn_fast.conversion import AutoOptions, CalibrationOptions, SearchOptions
from dsqn_fast.conversion.diagnosis import diagnose
from dsqn_fast.conversion.early_exit import calibrate_early_exit, margin_spread
from dsqn_fast.conversion.exit_rule import with_kappa
from dsqn_fast.errors import DsqnError, EnvironmentMismatchError, UnknownEnvironmentError
from dsqn_fast.model import AnnModel, SpikingModel

ANN = dense_network((4, 8, 2))
SEEN = observations_for(ANN, 50)


def _convert(observations: object = SEEN, **options: object) -> SpikingModel:
    return df.convert(ANN, observations, **{"normalization": "channel", **options})  # type: ignore[arg-type]


def _policy(**options: object) -> SpikingModel:
    return _convert(n_steps=1, **options)


CALLS: dict[str, tuple[Callable[[], object], str]] = {
    "percentile": (lambda: _convert(percentile="x"), "percentile must be .* not 'x'"),
    "bias": (lambda: _convert(calibrate_bias="x"), "calibrate_bias must be True or False"),
    "one number": (lambda: _convert(np.float32(1)), r"must have shape \(B, 4\) .* not \(\)"),
    "ragged": (lambda: _convert([[1, 2], [1]]), "sequences of unequal lengths"),
    "no states": (lambda: _convert(SEEN[:0]), "at least 1 observation"),
    "calibration": (lambda: _convert(calibration=3), "calibration must be of type"),
    "routes": (lambda: _convert(routes=[3]), "every route must be of type Route, not 3"),
    "epsilon": (lambda: CalibrationOptions(epsilon="a"), "epsilon must be a number, not 'a'"),  # type: ignore[arg-type]
    "agreement": (lambda: AutoOptions(agreement="a"), "agreement must be .* not 'a'"),  # type: ignore[arg-type]
    "return": (lambda: AutoOptions(wanted_return=float("nan")), "must be finite, not nan"),
    "limits": (lambda: AutoOptions(burst_limits=(0,)), "burst_limits must be .* not 0"),
    "limit": (lambda: AutoOptions(burst_limits=5), "burst_limits must be a tuple"),  # type: ignore[arg-type]
    "lowest": (lambda: SearchOptions(lowest="a"), "lowest must be a number"),  # type: ignore[arg-type]
    "steps": (lambda: diagnose(_policy(), SEEN, steps=[]), "at least 1 number of steps"),
    "step": (lambda: diagnose(_policy(), SEEN, steps=["a"]), "steps must be an integer"),  # type: ignore[list-item]
    "states": (lambda: diagnose(_policy(), SEEN, max_states=0), "max_states must be"),
    "nothing": (lambda: diagnose(_policy(), SEEN[:0]), "at least 1 observation"),
    "model": (lambda: diagnose(None, SEEN), "model must be of type SpikingModel"),  # type: ignore[arg-type]
    "spread": (lambda: margin_spread(_policy(timing="spytorch"), SEEN), "simulates none: raise T"),
    "kappa": (lambda: with_kappa(_policy(), 0.5, SEEN[:0]), "at least 1 observation"),
    "wanted": (lambda: calibrate_early_exit(_policy(), SEEN, wanted="a"), "wanted must be"),  # type: ignore[arg-type]
    "engine": (lambda: df.Engine(None), "only a SpikingModel can be simulated, not NoneType"),  # type: ignore[arg-type]
    "source": (lambda: df.Engine(ANN), "only a SpikingModel .* not AnnModel"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_argument_is_named(name: str) -> None:
    call, message = CALLS[name]
    with pytest.raises(DsqnError, match=message):
        call()


def test_an_environment_is_checked_also_where_nothing_is_played() -> None:
    with pytest.raises(UnknownEnvironmentError, match="no environment 'CartPole-v9'"):
        _convert(env_id="CartPole-v9")
    with pytest.raises(EnvironmentMismatchError, match=r"shape \(4,\), but MountainCar-v0"):
        _convert(env_id="MountainCar-v0")


def test_an_environment_of_a_module_that_the_user_typed_is_played() -> None:
    model = _convert(None, env_id="gymnasium:CartPole-v1", n_steps=4)
    assert model.env_id == "gymnasium:CartPole-v1"


def test_one_observation_and_the_largest_seed_are_enough() -> None:
    model = _convert(SEEN[0], n_steps=4, seed=2**64 - 1, initial_potential="calibrated")
    assert diagnose(model, SEEN[0], seed=2**64 - 1).states == 1
    options = AutoOptions(max_steps=2, episodes=1, max_observations=50)
    ann: AnnModel = ANN
    df.convert(ann, SEEN, env_id="CartPole-v1", seed=2**64 - 1, auto=options)
