"""No file executes anything, and nothing heavy is imported without need."""

from __future__ import annotations

import base64
import json
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3 import DQN

from dsqn_fast.errors import DsqnError, MissingExtraError, ModelFileError
from dsqn_fast.importers import load_ann, load_teacher, plain_arrays, sb3_archive, tensor_files


class Trap:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.fixture
def sprung(tmp_path: Path) -> Path:
    """The file that exists once something was executed; the trap works."""
    path = tmp_path / "sprung"
    pickle.loads(pickle.dumps(Trap(path)))
    assert path.exists()
    path.unlink()
    return path


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".cleanrl_model"])
@pytest.mark.parametrize("legacy", [False, True])
def test_torch_files(tmp_path: Path, sprung: Path, suffix: str, legacy: bool) -> None:
    path = tmp_path / f"net{suffix}"
    content = {"0.weight": torch.zeros(2, 4), "trap": Trap(sprung)}
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    for load in (load_ann, load_teacher):
        with pytest.raises(ModelFileError, match="never unpickled"):
            load(path)
    path.write_bytes(pickle.dumps(Trap(sprung)))
    with pytest.raises(ModelFileError):
        load_ann(path)
    assert not sprung.exists()


def test_stable_baselines_files(tmp_path: Path, sprung: Path) -> None:
    path = tmp_path / "agent.zip"
    DQN("MlpPolicy", "CartPole-v1", buffer_size=10).save(path)
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    trap = base64.b64encode(pickle.dumps(Trap(sprung))).decode()
    data = json.loads(entries["data"])
    for value in data.values():
        if isinstance(value, dict) and ":serialized:" in value:
            value[":serialized:"] = trap
    data["policy_kwargs"] = {":type:": "<class 'dict'>", ":serialized:": trap}
    entries["data"] = json.dumps(data).encode()
    entries["pytorch_variables.pth"] = entries["policy.optimizer.pth"] = pickle.dumps(Trap(sprung))
    write(path, entries)
    assert load_ann(path).n_outputs == 2
    assert load_teacher(path).n_outputs == 2
    entries["policy.pth"] = pickle.dumps(Trap(sprung))
    write(path, entries)
    with pytest.raises(ModelFileError):
        load_ann(path)
    assert not sprung.exists()


def write(path: Path, entries: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def test_npz_files(tmp_path: Path, sprung: Path) -> None:
    path = tmp_path / "net.npz"
    np.savez(path, w0=np.array([Trap(sprung)], dtype=object))
    with pytest.raises(ModelFileError):
        load_ann(path)
    assert not sprung.exists()


@pytest.mark.parametrize("suffix", [".npz", ".zip", ".pt"])
def test_archives_that_unpack_to_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    for module in (plain_arrays, sb3_archive, tensor_files):
        monkeypatch.setattr(module, "MAX_BYTES", 2**20)
    path = tmp_path / f"net{suffix}"
    names = {".npz": "w0.npy", ".zip": "policy.pth", ".pt": "net/data.pkl"}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data", b"{}")
        archive.writestr(names[suffix], bytes(2**20 + 1))
    with pytest.raises(ModelFileError, match="more than"):
        load_ann(path)


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )


def test_plain_files_need_no_torch(tmp_path: Path) -> None:
    np.savez(tmp_path / "net.npz", w0=np.ones((4, 2)))
    code = (
        "import sys\n"
        "from dsqn_fast.importers import load_ann\n"
        f"load_ann({str(tmp_path / 'net.npz')!r})\n"
        "print([m for m in ('torch', 'onnx', 'nir', 'stable_baselines3') if m in sys.modules])"
    )
    done = run(code)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize(
    ("suffix", "module", "extra"),
    [
        (".pt", "torch", "train"),
        (".zip", "torch", "train"),
        (".cleanrl_model", "torch", "train"),
        (".onnx", "onnx", "onnx"),
        (".nir", "nir", "nir"),
    ],
)
def test_missing_extras_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, module: str, extra: str
) -> None:
    path = tmp_path / f"net{suffix}"
    path.write_bytes(b"x")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf'pip install "dsqn-fast\[{extra}\]"') as caught:
        load_ann(path)
    assert isinstance(caught.value, ImportError)
    assert isinstance(caught.value, DsqnError)
