"""ONNX graphs against onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from dsqn_fast.errors import ModelFileError, UnsupportedLayerError
from dsqn_fast.importers import load_ann, load_teacher

RNG = np.random.default_rng(0)
Nodes = list[onnx.NodeProto]


def array(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def save(
    folder: Path, nodes: Nodes, constants: dict[str, np.ndarray], shape: list[Any], opset: int = 17
) -> Path:
    """Write a graph from x to y."""
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", "n"])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.save(model, folder / "net.onnx")
    return folder / "net.onnx"


def node(kind: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs.split(), [output], name=f"{kind}_{output}", **attributes)


def check(path: Path, x: np.ndarray, **options: Any) -> None:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    wanted = session.run(None, {name: x})[0].reshape(len(x), -1)
    np.testing.assert_allclose(load_ann(path, **options).forward(x), wanted, rtol=1e-4, atol=1e-5)
    assert wanted.std() > 1e-3


DENSE: dict[str, tuple[Nodes, dict[str, np.ndarray]]] = {
    "gemm": (
        [
            node("Gemm", "x w0 b0", "a", transB=1, alpha=0.5, beta=2.0),
            node("Relu", "a", "h"),
            node("Gemm", "h w1", "y"),
        ],
        {"w0": array(6, 4), "b0": array(6), "w1": array(6, 2)},
    ),
    "matmul and add": (
        [
            node("MatMul", "x w0", "m"), node("Add", "b0 m", "a"), node("Relu", "a", "h"),
            node("MatMul", "h w1", "n"), node("Add", "n b1", "y"),
        ],
        {"w0": array(4, 6), "b0": array(6), "w1": array(6, 2), "b1": array(1, 2)},
    ),
    "transposed weights and constants": (
        [
            node("Transpose", "w0", "t", perm=[1, 0]), node("MatMul", "x t", "a"),
            node("Constant", "", "two", value=numpy_helper.from_array(np.float32(2))),
            node("Mul", "a two", "d"),
            node("Relu", "d", "h"), node("Identity", "h", "i"), node("Identity", "w1", "w"),
            node("Gemm", "i w", "y"),
        ],
        {"w0": array(6, 4), "w1": array(6, 2)},
    ),
    "scaled input": (
        [
            node("Sub", "x mean", "s"), node("Div", "s std", "n"), node("Sub", "one n", "o"),
            node("Gemm", "o w0", "a"), node("Relu", "a", "h"), node("Gemm", "h w1", "y"),
        ],
        {
            "mean": array(4), "std": np.abs(array(1, 4)) + 1, "one": np.float32(1.0).reshape(()),
            "w0": array(4, 6), "w1": array(6, 2),
        },
    ),
    "norm and dropout": (
        [
            node("Gemm", "x w0", "a"), node("BatchNormalization", "a s b m v", "n", epsilon=0.1),
            node("Relu", "n", "h"), node("Dropout", "h", "d"), node("Gemm", "d w1", "y"),
        ],
        {
            "w0": array(4, 6), "w1": array(6, 2), "s": array(6), "b": array(6), "m": array(6),
            "v": np.abs(array(6)) + 0.1,
        },
    ),
}  # fmt: skip

IMAGES: dict[str, tuple[Nodes, dict[str, np.ndarray]]] = {
    "pools": (
        [
            node("Conv", "x k0 c0", "a", strides=[1, 2], pads=[1, 0, 1, 0]),
            node("Relu", "a", "h"), node("MaxPool", "h", "p", kernel_shape=[2, 2], strides=[2, 2]),
            node("AveragePool", "p", "q", kernel_shape=[2, 1]),
            node("Flatten", "q", "f"), node("Gemm", "f w", "y"),
        ],
        {"k0": array(4, 2, 3, 3), "c0": array(4), "w": array(4 * 3 * 2, 3)},
    ),
    "global and norm": (
        [
            node("Conv", "x k0", "a"), node("BatchNormalization", "a s b m v", "n"),
            node("Relu", "n", "h"), node("GlobalAveragePool", "h", "p"),
            node("Reshape", "p shape", "f"), node("Gemm", "f w", "y"),
        ],
        {
            "k0": array(4, 2, 3, 3), "s": array(4), "b": array(4), "m": array(4),
            "v": np.abs(array(4)) + 0.1, "shape": np.array([0, -1]), "w": array(4, 3),
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DENSE)
@pytest.mark.parametrize("opset", [11, 13, 17])
def test_dense_graphs(tmp_path: Path, name: str, opset: int) -> None:
    check(save(tmp_path, *DENSE[name], ["batch", 4], opset), array(7, 4))


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("shape", [["batch", 2, 8, 9], None])
def test_image_graphs(tmp_path: Path, name: str, shape: list[Any] | None) -> None:
    path = save(tmp_path, *IMAGES[name], shape or ["batch", 2, "height", "width"])
    options = {} if shape else {"input_shape": (2, 8, 9)}
    check(path, array(5, 2, 8, 9), **options)


def test_channels_last_graph(tmp_path: Path) -> None:
    nodes = [node("Transpose", "x", "t", perm=[0, 3, 1, 2]), *IMAGES["pools"][0]]
    nodes[1].input[0] = "t"
    path = save(tmp_path, nodes, IMAGES["pools"][1], ["batch", 8, 9, 2])
    check(path, array(5, 8, 9, 2))


def torch_cnn() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(4 * 3 * 3, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 3),
    ).eval()  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dynamic", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["dense", "images"])
def test_graphs_that_torch_exports(
    tmp_path: Path, kind: str, dynamic: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    dense = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    module, x = (dense, array(1, 4)) if kind == "dense" else (torch_cnn(), array(1, 2, 8, 9))
    path = tmp_path / "net.onnx"
    torch.onnx.export(module, (torch.from_numpy(x),), path, dynamo=dynamic, verbose=False)
    check(path, x)


def test_tanh_is_refused_and_taught(tmp_path: Path) -> None:
    nodes = [node("Gemm", "x w0", "a"), node("Tanh", "a", "h"), node("Gemm", "h w1", "y")]
    constants = {"w0": array(4, 6), "w1": array(6, 2)}
    path = save(tmp_path, nodes, constants, ["batch", 4])
    with pytest.raises(UnsupportedLayerError, match=r"Tanh_h \(Tanh\).*--distill"):
        load_ann(path)
    x = array(5, 4)
    wanted = np.tanh(x @ constants["w0"]) @ constants["w1"]
    np.testing.assert_allclose(load_teacher(path).forward(x), wanted, rtol=1e-5, atol=1e-5)


REFUSED: dict[str, tuple[Nodes, str]] = {
    "group": ([node("Conv", "x g", "y", group=2)], "group=2"),
    "dilations": ([node("Conv", "x k", "y", dilations=[2, 2])], "dilations"),
    "auto_pad": ([node("Conv", "x k", "y", auto_pad="SAME_UPPER")], "SAME_UPPER"),
    "uneven": ([node("Conv", "x k", "y", pads=[0, 0, 1, 1])], "pads"),
    "ceil": (
        [
            node("Conv", "x k", "a"), node("Relu", "a", "h"),
            node("MaxPool", "h", "y", kernel_shape=[2, 2], ceil_mode=1),
        ],
        "ceil_mode",
    ),
    "kind": ([node("Conv", "x k", "a"), node("Erf", "a", "y")], r"Erf_y \(Erf\)"),
    "skip": (
        [node("Conv", "x k", "a"), node("Relu", "a", "h"), node("Add", "a h", "y")], "branches"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name(tmp_path: Path, name: str) -> None:
    nodes, word = REFUSED[name]
    constants = {"k": array(2, 2, 3, 3), "g": array(2, 1, 3, 3)}
    with pytest.raises(UnsupportedLayerError, match=word) as caught:
        load_ann(save(tmp_path, nodes, constants, ["batch", 2, 8, 9]))
    assert "\n" not in str(caught.value)


def test_old_opset_and_damaged_files(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"opset 9.*11"):
        load_ann(save(tmp_path, *DENSE["matmul and add"], ["batch", 4], opset=9))
    path = save(tmp_path, *DENSE["gemm"], ["batch", 4])
    whole = path.read_bytes()
    for content in (b"", b"nothing", whole[: len(whole) // 2], whole[10:]):
        path.write_bytes(content)
        with pytest.raises((ModelFileError, UnsupportedLayerError)) as caught:
            load_ann(path)
        assert "\n" not in str(caught.value)
