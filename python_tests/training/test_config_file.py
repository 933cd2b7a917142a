"""YAML files of hyperparameters, from the command line and alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dsqn_fast.cli.main import main
from dsqn_fast.errors import OptionError

pytest.importorskip("yaml")
pytest.importorskip("stable_baselines3")

from dsqn_fast.training.config_file import read_config


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "config.yml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_values_have_the_types_of_yaml(tmp_path: Path) -> None:
    text = "gamma: 0.98\nhidden: [8, 8]\nlearning_rate: 1e-3\ndouble_q: false\nreward: failure\n"
    assert read_config(write(tmp_path, text)) == {
        "gamma": 0.98,
        "hidden": [8, 8],
        "learning_rate": "1e-3",  # YAML 1.1 wants 1.0e-3: settings read the text as a number
        "double_q": False,
        "reward": "failure",
    }
    assert read_config(write(tmp_path, "")) == {}


def test_a_command_takes_its_hyperparameters_from_a_file(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "n_steps: 5\ntiming: nest\nhidden: [6]\nlearning_rate: 2e-3\ntotal_steps: 300\n"
        "learning_starts: 50\neval_every: 300\neval_episodes: 1\ntest_episodes: 1\n",
    )
    folder = tmp_path / "run"
    words = ["train", "dsqn", "--env", "CartPole-v1", "--config", str(path)]
    assert main([*words, "--set", "hidden=[7]", "--out", str(folder)]) == 0
    config = json.loads((folder / "config.json").read_text())
    settings = config["settings"]
    assert (settings["n_steps"], settings["timing"], settings["hidden"]) == (5, "nest", [7])
    assert settings["learning_rate"] == 0.002
    # The command in the folder repeats the run without the file.
    assert "--config" not in config["command"]
    assert "--set timing=nest" in config["command"]
    assert "--n-steps 5" in config["command"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gama: 0.9\n", "there is no setting 'gama'; did you mean 'gamma'?"),
        ("gamma: 1.9\n", "gamma must be a number from 0.0 to 1.0, not 1.9"),
        ("- 1\n- 2\n", "holds a list, where names with values are needed"),
        ("gamma\n", "holds a str, where"),
        ("gamma: {a: 1}\n", "gives 'gamma' a dict"),
        ("hidden: &a [*a]\n", "gives 'hidden' a list"),
        ("1: 2\n", "gives '1' a int"),
        ("gamma: [1\n", "is not YAML"),
        ("gamma: !!python/object/apply:os.getcwd []\n", "is not YAML"),
        (b"\xff\xfe\x00", "is not YAML"),
        ("preset: thesys\n", "did you mean 'thesis'"),
        ("#" * 2**20 + "\n", "is larger than"),
    ],
)
def test_bad_files_are_one_sentence(
    text: str | bytes, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, text)
    words = ["train", "dqn", "--env", "CartPole-v1", "--config", str(path)]
    assert main([*words, "--out", str(tmp_path / "run")]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="cannot be read"):
        read_config(tmp_path / "none.yml")
