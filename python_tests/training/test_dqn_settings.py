"""Hyperparameters: presets, changes as text, and what is refused."""

from __future__ import annotations

import pytest

from dsqn_fast.errors import OptionError
from dsqn_fast.training.dqn_settings import DqnSettings
from dsqn_fast.training.presets import PRESETS, preset_settings


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("env_id", ["CartPole-v1", "MountainCar-v0", "Acrobot-v1"])
def test_presets_exist_for_every_environment(name: str, env_id: str) -> None:
    assert isinstance(preset_settings("dqn", name, env_id), DqnSettings)


def test_thesis_preset_has_the_architectures_of_the_thesis() -> None:
    assert preset_settings("dqn", "thesis", "CartPole-v1").hidden == (16, 16)
    assert preset_settings("dqn", "thesis", "MountainCar-v0").hidden == (64, 64)


def test_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(OptionError, match="did you mean 'thesis'"):
        preset_settings("dqn", "thesys", "CartPole-v1")


def test_changes_are_read_as_numbers_lists_and_words() -> None:
    settings = DqnSettings().changed(
        {
            "gamma": "0.9",
            "hidden": "[8, 4]",
            "double_q": "false",
            "loss": "huber",
            "epsilon_decay": "none",
        }
    )
    assert (settings.gamma, settings.hidden, settings.double_q) == (0.9, (8, 4), False)
    assert (settings.loss, settings.epsilon_decay) == ("huber", None)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("gama", "0.9", "did you mean 'gamma'"),
        ("zzz", "1", "there is no setting 'zzz'"),
        ("gamma", "1.5", "gamma must be a number from 0.0 to 1.0, not 1.5"),
        ("gamma", "nan", "gamma must be a number"),
        ("gamma", "NaN", "gamma must be a number"),
        ("gamma", "true", "gamma must be a number"),
        ("total_steps", "0", "total_steps must be an integer from 1"),
        ("total_steps", "2.5", "total_steps must be an integer"),
        ("hidden", "16", "hidden must be a list"),
        ("hidden", "[16, 0]", "hidden layer's size must be an integer from 1"),
        ("observation_scale", "[0, 1]", "observation_scale must be a number from"),
        ("loss", "hubber", "did you mean 'huber'"),
        ("double_q", "maybe", "double_q must be true or false"),
        ("reward", "sparse", "reward must be one of"),
        ("epsilon_decay", "2", "epsilon_decay must be a number"),
        ("learning_rate", "0", "learning_rate must be a number"),
    ],
)
def test_bad_changes_are_refused_by_name(name: str, value: str, message: str) -> None:
    with pytest.raises(OptionError, match=message.replace("(", r"\(")):
        DqnSettings().changed({name: value})


def test_settings_as_json_values_give_the_same_settings_back() -> None:
    settings = preset_settings("dqn", "default", "CartPole-v1")
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.to_dict().items()}
    assert DqnSettings(**values) == settings
