"""PPO beside Stable-Baselines3's: the loop stops after each update, and the table adds up."""

from __future__ import annotations

from pathlib import Path

import pytest
from catch_environment import register_catch

pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")
from ppo_loop import PausedLoop, Times, table

from dsqn_fast.training.images.settings import image_preset
from dsqn_fast.training.run_folder import RunFolder


def test_the_loop_stops_after_every_update(tmp_path: Path) -> None:
    small = {"network": "tiny", "hidden": [8], "n_envs": 2, "horizon": 4, "minibatch": 8}
    settings = image_preset("ppo").changed({**small, "epochs": 1, "total_steps": 32})
    loop = PausedLoop(register_catch(), settings, str(tmp_path), seed=0)
    for number in (1, 2):
        loop.update()
        assert [row["step"] for row in RunFolder(tmp_path).evaluations()] == [8, 16][:number]
    loop.close()
    assert len(RunFolder(tmp_path).evaluations()) == 2


def test_ratios_are_of_pairs_of_turns() -> None:
    one = Times("one", lambda: None, wall=[1.0, 2.0, 4.0], cpu=[1.0, 1.0, 1.0])
    other = Times("other", lambda: None, wall=[0.5, 1.0, 2.0], cpu=[2.0, 2.0, 2.0])
    lines = table([one, other], 1000)
    assert lines[2] == "| one | 500 | 375 - 750 | 1.00 | 1.00 |"
    assert lines[3] == "| other | 1000 | 750 - 1500 | 2.00 | 2.00 |"
