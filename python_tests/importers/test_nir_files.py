"""NIR graphs without neurons."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
import torch
from torch import nn

from dsqn_fast.errors import ModelFileError, UnsupportedLayerError
from dsqn_fast.importers import hdf5_probe, load_ann, nir_graph

RNG = np.random.default_rng(0)


def array(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def save(folder: Path, shape: tuple[int, ...], **nodes: Any) -> Path:
    """Write a chain of nodes between an input and an output."""
    ends = {
        "input": nir.Input({"input": np.array(shape)}),
        **nodes,
        "output": nir.Output({"output": np.array([3])}),
    }
    names = list(ends)
    edges = list(itertools.pairwise(names))
    nir.write(folder / "net.nir", nir.NIRGraph(nodes=ends, edges=edges, type_check=False))
    return folder / "net.nir"


def test_dense(tmp_path: Path) -> None:
    w0, b0, w1 = array(6, 4), array(6), array(3, 6)
    path = save(tmp_path, (4,), a=nir.Affine(weight=w0, bias=b0), b=nir.Linear(weight=w1))
    ann = load_ann(path)
    x = array(5, 4)
    wanted = np.maximum(x @ w0.T + b0, 0) @ w1.T
    np.testing.assert_allclose(ann.forward(x), wanted, rtol=1e-5, atol=1e-5)
    assert any("ReLU" in note and "assumed" in note for note in ann.provenance["notes"])


@pytest.mark.parametrize("pool", ["average", "sum"])
@pytest.mark.parametrize("start_dim", [0, 1])
def test_images(tmp_path: Path, pool: str, start_dim: int) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(2, 4, 3, (1, 2), 1), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(4 * 4 * 2, 3),
    )  # fmt: skip
    tensors = {key: tensor.numpy() for key, tensor in module.state_dict().items()}
    kind = nir.AvgPool2d if pool == "average" else nir.SumPool2d
    two = np.array([2, 2])
    path = save(
        tmp_path,
        (2, 8, 9),
        conv=nir.Conv2d((8, 9), tensors["0.weight"], (1, 2), 1, 1, 1, tensors["0.bias"]),
        pool=kind(kernel_size=two, stride=two, padding=np.array([0, 0])),
        flat=nir.Flatten({"input": np.array([4, 4, 2])}, start_dim, -1),
        head=nir.Affine(weight=tensors["4.weight"], bias=tensors["4.bias"]),
    )
    x = array(5, 2, 8, 9)
    with torch.no_grad():
        hidden = module[2](module[1](module[0](torch.from_numpy(x))))
        hidden = hidden * 4 if pool == "sum" else hidden
        wanted = module[4](hidden.flatten(1)).numpy()
    np.testing.assert_allclose(load_ann(path).forward(x), wanted, rtol=1e-5, atol=1e-5)


def test_neurons_are_refused(tmp_path: Path) -> None:
    path = save(
        tmp_path,
        (4,),
        a=nir.Linear(weight=array(6, 4)),
        neurons=nir.IF(r=np.ones(6), v_threshold=np.ones(6), v_reset=np.zeros(6)),
        b=nir.Linear(weight=array(3, 6)),
    )
    with pytest.raises(UnsupportedLayerError, match=r"neurons \(IF\) is a population.*load_nir"):
        load_ann(path)


def test_groups_branches_and_other_nodes_are_refused(tmp_path: Path) -> None:
    conv = nir.Conv2d((8, 9), array(2, 1, 3, 3), 1, 0, 1, 2, array(2))
    with pytest.raises(UnsupportedLayerError, match="groups=2"):
        load_ann(save(tmp_path, (2, 8, 9), conv=conv))
    with pytest.raises(UnsupportedLayerError, match="Delay"):
        load_ann(save(tmp_path, (4,), a=nir.Linear(weight=array(4, 4)), d=nir.Delay(np.ones(4))))
    nodes = {
        "input": nir.Input({"input": np.array([4])}),
        "a": nir.Linear(weight=array(3, 4)),
        "b": nir.Linear(weight=array(3, 4)),
        "output": nir.Output({"output": np.array([3])}),
    }
    edges = [("input", "a"), ("input", "b"), ("a", "output"), ("b", "output")]
    nir.write(tmp_path / "net.nir", nir.NIRGraph(nodes=nodes, edges=edges, type_check=False))
    with pytest.raises(UnsupportedLayerError, match="one chain"):
        load_ann(tmp_path / "net.nir")


@pytest.mark.parametrize("content", [b"", b"nothing", b"\x89HDF\r\n\x1a\n" + bytes(50)])
def test_damaged_files(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "net.nir").write_bytes(content)
    with pytest.raises(ModelFileError, match=r"net\.nir"):
        load_ann(tmp_path / "net.nir")


def test_a_library_that_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path, (4,), a=nir.Linear(weight=array(3, 4)))
    monkeypatch.setattr(hdf5_probe, "SECONDS", 0.0)
    with pytest.raises(ModelFileError, match="does not come to an end"):
        load_ann(path)


def test_arrays_of_too_many_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path, (4,), a=nir.Linear(weight=np.zeros((3000, 4))))
    monkeypatch.setattr(nir_graph, "MAX_BYTES", 2**16)
    with pytest.raises(ModelFileError, match="bytes unpacked"):
        load_ann(path)
