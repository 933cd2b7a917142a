"""Where torch computes."""

from __future__ import annotations

import pytest

from dsqn_fast.errors import OptionError
from dsqn_fast.training.actor_settings import ReinforceSettings
from dsqn_fast.training.dqn_settings import DqnSettings

pytest.importorskip("torch")
import torch

from dsqn_fast.training.devices import chosen_device
from dsqn_fast.training.images import image_preset


def test_a_gpu_is_taken_where_there_is_one_and_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    chosen = [chosen_device(name).type for name in ("auto", "cpu", "cuda")]
    assert chosen == ["cuda", "cpu", "cuda"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert [chosen_device(name).type for name in ("auto", "cpu")] == ["cpu", "cpu"]
    with pytest.raises(OptionError, match="needs a GPU, but torch"):
        chosen_device("cuda")


def test_devices_are_settings_of_the_methods() -> None:
    assert image_preset("ppo").device == "auto"
    assert DqnSettings().device == "cpu"
    assert DqnSettings().changed({"device": "auto"}).device == "auto"
    with pytest.raises(OptionError, match="device must be"):
        DqnSettings(device="tpu")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="device of reinforce must be"):
        ReinforceSettings(device="cuda")
