"""Files of torch that hold tensors only."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from dsqn_fast.errors import ModelFileError, OptionError, UnsupportedLayerError
from dsqn_fast.importers import load_ann


def mlp() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))


def nature(channels: int = 4, n_flat: int = 64 * 49, actions: int = 3) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(channels, 32, 8, 4), nn.ReLU(), nn.Conv2d(32, 64, 4, 2), nn.ReLU(),
        nn.Conv2d(64, 64, 3, 1), nn.ReLU(), nn.Flatten(), nn.Linear(n_flat, 512), nn.ReLU(),
        nn.Linear(512, actions),
    )  # fmt: skip


def outputs(module: nn.Module, x: np.ndarray) -> np.ndarray:
    module.eval()
    with torch.no_grad():
        return module(torch.from_numpy(x).float()).numpy()


def save(content: Any, folder: Path, name: str = "net.pt") -> Path:
    torch.save(content, folder / name)
    return folder / name


@pytest.mark.parametrize("key", [None, "state_dict", "model", "model_state_dict"])
@pytest.mark.parametrize("name", ["net.pt", "net.pth"])
def test_dense_network(tmp_path: Path, key: str | None, name: str) -> None:
    module = mlp()
    tensors = module.state_dict()
    path = save({key: tensors, "epoch": 3} if key else tensors, tmp_path, name)
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    ann = load_ann(path)
    np.testing.assert_allclose(ann.forward(x), outputs(module, x), rtol=1e-5, atol=1e-6)
    assert any("ReLU, assumed" in note for note in ann.provenance["notes"])


def test_natural_order_of_names_where_the_order_of_the_file_does_not_chain(tmp_path: Path) -> None:
    torch.manual_seed(0)
    layers = {f"fc{index}": nn.Linear(3 + index, 4 + index) for index in range(12)}
    tensors = {
        f"{name}.{part}": tensor
        for name in sorted(layers)
        for part, tensor in layers[name].state_dict().items()
    }
    ann = load_ann(save(tensors, tmp_path))
    assert [layer.weight.shape for layer in ann.layers] == [(3 + i, 4 + i) for i in range(12)]


def test_order_of_the_file_where_names_have_none(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(
        OrderedDict(stem=nn.Linear(4, 6), a=nn.ReLU(), hidden=nn.Linear(6, 5), b=nn.ReLU())
    )
    module.add_module("action", nn.Linear(5, 2))
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    found = load_ann(save(module.state_dict(), tmp_path)).forward(x)
    np.testing.assert_allclose(found, outputs(module, x), rtol=1e-5, atol=1e-6)


def test_batch_norm_of_a_state_dict(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
    module[1].running_mean.normal_()
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    found = load_ann(save(module.state_dict(), tmp_path)).forward(x)
    np.testing.assert_allclose(found, outputs(module, x), rtol=1e-5, atol=1e-5)


def test_nature_network(tmp_path: Path) -> None:
    module = nature()
    path = save(module.state_dict(), tmp_path)
    ann = load_ann(path, input_scale=1 / 255)
    assert ann.input_shape == (84, 84, 4)
    x = np.random.default_rng(0).integers(0, 256, (2, 4, 84, 84), dtype=np.uint8)
    np.testing.assert_allclose(ann.forward(x), outputs(module, x / 255), rtol=1e-4, atol=1e-5)
    notes = " ".join(ann.provenance["notes"])
    assert "84 x 84 were assumed" in notes
    assert "strides 4, 2, 1" in notes


def test_nature_network_of_another_size(tmp_path: Path) -> None:
    module = nature(channels=1, n_flat=64 * 2)
    path = save(module.state_dict(), tmp_path)
    x = np.random.default_rng(0).normal(size=(2, 1, 36, 44)).astype(np.float32)
    ann = load_ann(path, input_shape=(1, 36, 44))
    np.testing.assert_allclose(ann.forward(x), outputs(module, x), rtol=1e-4, atol=1e-5)
    with pytest.raises(OptionError, match="input_shape=\\(1, height, width\\)"):
        load_ann(path)


def test_the_part_that_acts(tmp_path: Path) -> None:
    torch.manual_seed(0)
    both = nn.ModuleDict({"critic": mlp(), "actor": mlp()})
    ann = load_ann(save(both.state_dict(), tmp_path))
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    np.testing.assert_allclose(ann.forward(x), outputs(both["actor"], x), rtol=1e-5, atol=1e-6)
    assert any("'actor'" in note for note in ann.provenance["notes"])


@pytest.mark.parametrize(
    ("module", "word"),
    [
        (nn.LSTM(4, 8), "bias_hh_l0 is a recurrent"),
        (nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.Linear(8, 2)), "1-dimensional"),
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 2)), "strides"),
        (nn.Sequential(nn.Linear(4, 8), nn.Linear(9, 2)), "gives 8 values"),
        (nn.Sequential(nn.Conv1d(4, 8, 3)), "3-dimensional"),
    ],
)
def test_refused_by_name(tmp_path: Path, module: nn.Module, word: str) -> None:
    with pytest.raises(UnsupportedLayerError, match=word):
        load_ann(save(module.state_dict(), tmp_path))


def test_activation_as_given(tmp_path: Path) -> None:
    path = save(mlp().state_dict(), tmp_path)
    with pytest.raises(UnsupportedLayerError, match=r"Tanh.*--distill"):
        load_ann(path, activation="tanh")
    with pytest.raises(OptionError, match="did you mean 'Tanh'"):
        load_ann(path, activation="Tang")


@pytest.mark.parametrize(
    "content",
    [
        [1, 2],
        {},
        {"lr": 0.1},
        {"0.weight": torch.zeros(2, 4), "epoch": 3},
        {"0.weight": torch.zeros(2, 4, dtype=torch.complex64)},
        {"0.weight": torch.full((2, 4), torch.nan)},
        {"0.weight": torch.zeros(1).expand(2**20, 2**20)},
        {"0.weight": torch.zeros(2, 4, device="meta")},
        {"0.weight": torch.eye(3).to_sparse()},
    ],
)
def test_not_a_state_dict(tmp_path: Path, content: Any) -> None:
    with pytest.raises(ModelFileError) as caught:
        load_ann(save(content, tmp_path))
    assert "\n" not in str(caught.value)


def test_a_pickled_module_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="state_dict"):
        load_ann(save(mlp(), tmp_path))


def test_programs_and_objects_are_told_in_plain_words(tmp_path: Path) -> None:
    script = tmp_path / "script.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates what makes such files
        torch.jit.save(torch.jit.script(nn.Linear(4, 2)), str(script))
    whole, text = save(mlp(), tmp_path), tmp_path / "text.pt"
    text.write_bytes(b"no torch file")
    for path, words in (
        (script, r"TorchScript archive, which is a program\): save it with"),
        (whole, r"Unsupported global: GLOBAL .*Sequential"),
        (text, r"not hold tensors only \(\w"),
    ):
        with pytest.raises(ModelFileError, match=words) as caught:
            load_ann(path)
        assert str(caught.value).isprintable()
        assert "trust" not in str(caught.value)


def test_damaged_files(tmp_path: Path) -> None:
    path = save(mlp().state_dict(), tmp_path)
    whole = path.read_bytes()
    for end in (0, 1, 10, len(whole) // 2, len(whole) - 30):
        path.write_bytes(whole[:end])
        with pytest.raises(ModelFileError) as caught:
            load_ann(path)
        assert "\n" not in str(caught.value)
