"""Damaged files of every kind are read or refused, and nothing else happens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from stable_baselines3 import DQN

from dsqn_fast.errors import DsqnError
from dsqn_fast.importers import load_ann


def write_npz(path: Path) -> None:
    np.savez(path, w0=np.ones((4, 3)), w1=np.ones((3, 2)))


def write_pt(path: Path) -> None:
    torch.save(torch.nn.Sequential(torch.nn.Linear(4, 3)).state_dict(), path)


def write_zip(path: Path) -> None:
    DQN("MlpPolicy", "CartPole-v1", buffer_size=10, policy_kwargs={"net_arch": [4]}).save(path)


def write_onnx(path: Path) -> None:
    names = [("x", 4), ("y", 2)]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", k]) for n, k in names]
    weight = numpy_helper.from_array(np.ones((4, 2), np.float32), "w")
    node = helper.make_node("Gemm", ["x", "w"], ["y"])
    graph = helper.make_graph([node], "net", ends[:1], ends[1:], [weight])
    onnx.save(helper.make_model(graph, ir_version=8), path)


WRITERS = {".npz": write_npz, ".pt": write_pt, ".zip": write_zip, ".onnx": write_onnx}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("suffix", WRITERS)
def test_changed_and_cut_bytes(tmp_path: Path, suffix: str) -> None:
    write: Callable[[Path], None] = WRITERS[suffix]
    path = tmp_path / f"net{suffix}"
    write(path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(400):
        content = bytearray(whole)
        for place in rng.integers(0, len(whole), rng.integers(1, 6)):
            content[place] = rng.integers(256)
        if rng.random() < 0.2:
            content = content[: rng.integers(len(whole))]
        path.write_bytes(bytes(content))
        try:
            load_ann(path)
        except DsqnError as error:
            refused += 1
            if "\n" in str(error):
                raise AssertionError(str(error)) from error
    assert refused > 50
