"""Functional forward passes, traced."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from dsqn_fast.errors import UnsupportedLayerError
from dsqn_fast.importers import load_ann

Tensor = torch.Tensor


class Network(nn.Module):
    """Layers by name; the forward pass is given."""

    def __init__(self, run: Callable[[Network, Tensor], Tensor]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 4, 3)
        self.fc = nn.Linear(4 * 6 * 7, 8)
        self.dense = nn.Linear(5, 8)
        self.other = nn.Linear(5, 8)
        self.head = nn.Linear(8, 2)
        self.small = nn.Linear(4, 2)
        self.register_buffer("mean", torch.randn(1, 3, 1, 1))
        self.register_buffer("offset", torch.randn(5))
        self.factor = 0.25
        self._run = run

    def forward(self, x: Tensor) -> Tensor:
        return self._run(self, x)


def image_head(net: Network, x: Tensor) -> Tensor:
    return net.head(torch.relu(net.fc(x)))


DENSE: dict[str, Callable[[Network, Tensor], Tensor]] = {
    "F.relu": lambda net, x: net.head(F.relu(net.dense(x))),
    "torch.relu": lambda net, x: net.head(torch.relu(net.dense(x))),
    "method": lambda net, x: net.head(net.dense(x).relu()),
    "in place": lambda net, x: net.head(F.relu(net.dense(x), inplace=True)),
    "scaled": lambda net, x: net.head(F.relu(net.dense(x / 4.0))),
    "shifted": lambda net, x: net.head(F.relu(net.dense((x - net.offset) * net.factor + 1))),
    "from the right": lambda net, x: net.head(F.relu(net.dense(1 - 2 * x))),
    "torch.div": lambda net, x: net.head(F.relu(net.dense(torch.div(x, 3)))),
    "hidden scaling": lambda net, x: net.head(F.relu(net.dense(x) * 0.5) * 2),
    "dropout": lambda net, x: net.head(F.dropout(F.relu(net.dense(x)), 0.5, net.training)),
    "view": lambda net, x: net.head(F.relu(net.dense(x.view(-1, 5)))),
    "F.linear": lambda net, x: net.head(F.relu(F.linear(x, net.dense.weight, net.dense.bias))),
    "float": lambda net, x: net.head(F.relu(net.dense(x.float().to(torch.float32)))),
    "softmax": lambda net, x: torch.log_softmax(net.head(F.relu(net.dense(x))), dim=-1),
    "dead code": lambda net, x: (net.other(x), net.head(F.relu(net.dense(x))))[1],
}

IMAGES: dict[str, Callable[[Network, Tensor], Tensor]] = {
    "x / 255": lambda net, x: image_head(net, F.relu(net.conv(x / 255)).flatten(1)),
    "mean per channel": lambda net, x: image_head(
        net, torch.flatten(F.relu(net.conv(x - net.mean)), 1)
    ),
    "view": lambda net, x: image_head(net, F.relu(net.conv(x)).view(x.size(0), -1)),
    "reshape": lambda net, x: image_head(net, F.relu(net.conv(x)).reshape(x.shape[0], -1)),
    "sized view": lambda net, x: image_head(net, F.relu(net.conv(x)).view(-1, 4 * 6 * 7)),
    "average": lambda net, x: net.small(F.avg_pool2d(F.relu(net.conv(x)), (6, 7)).flatten(1)),
    "adaptive": lambda net, x: net.small(F.adaptive_avg_pool2d(F.relu(net.conv(x)), 1).flatten(1)),
    "mean": lambda net, x: net.small(F.relu(net.conv(x)).mean(dim=(2, 3))),
    "maximum": lambda net, x: net.small(F.max_pool2d(F.relu(net.conv(x)), (6, 7)).flatten(1)),
    "maximum before relu": lambda net, x: net.small(
        F.relu(F.max_pool2d(net.conv(x), kernel_size=(6, 7))).flatten(1)
    ),
}


def outputs(module: nn.Module, x: Tensor) -> np.ndarray:
    module.eval()
    with torch.no_grad():
        return module(x).numpy()


@pytest.mark.parametrize("name", DENSE)
def test_dense(name: str) -> None:
    module = Network(DENSE[name])
    x = torch.randn(6, 5)
    found, wanted = load_ann(module).forward(x.numpy()), outputs(module, x)
    if name == "softmax":  # only the order of the outputs is kept
        found = torch.log_softmax(torch.from_numpy(found), dim=-1).numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", IMAGES)
def test_images(name: str) -> None:
    module = Network(IMAGES[name])
    x = torch.rand(4, 3, 8, 9) * 255
    ann = load_ann(module, input_shape=(3, 8, 9))
    np.testing.assert_allclose(ann.forward(x.numpy()), outputs(module, x), rtol=1e-4, atol=1e-4)


def test_channels_last_inside() -> None:
    module = Network(
        lambda net, x: image_head(net, F.relu(net.conv(x.permute(0, 3, 1, 2) / 255)).flatten(1))
    )
    x = torch.randint(0, 256, (4, 8, 9, 3), dtype=torch.uint8)
    ann = load_ann(module, input_shape=(8, 9, 3))
    assert not ann.channels_first
    assert ann.input_shape == (8, 9, 3)
    wanted = outputs(module, x.float())
    np.testing.assert_allclose(ann.forward(x.numpy()), wanted, rtol=1e-5, atol=1e-5)


REFUSED: dict[str, tuple[Callable[[Network, Tensor], Tensor], str]] = {
    "skip": (lambda net, x: net.head(F.relu(net.dense(x)) + F.relu(net.other(x))), "branches"),
    "itself": (lambda net, x: net.head(F.relu(net.dense(x + x))), "no constant"),
    "dueling": (
        lambda net, x: (lambda h: net.head(h) + net.head(h).mean())(F.relu(net.dense(x))),
        "branches",
    ),
    "tanh": (lambda net, x: net.head(torch.tanh(net.dense(x))), "Tanh"),
    "gelu": (lambda net, x: net.head(F.gelu(net.dense(x))), "GELU"),
    "clamp": (lambda net, x: net.head(net.dense(x).clamp(0, 1)), "clamp"),
    "always dropping": (lambda net, x: net.head(F.dropout(net.dense(x))), "training"),
    "reciprocal": (lambda net, x: net.head(F.relu(net.dense(1 / x))), "reciprocal"),
    "division by 0": (lambda net, x: net.head(F.relu(net.dense(x / 0))), "0"),
    "to integers": (lambda net, x: net.head(net.dense(x.to(torch.int64))), "dtype"),
    "condition": (
        lambda net, x: net.head(net.dense(x)) if x.sum() > 0 else net.head(net.other(x)),
        "traced",
    ),
    "two outputs": (lambda net, x: (net.head(F.relu(net.dense(x))), x), "returns"),  # type: ignore[dict-item]
    "sum": (lambda net, x: net.head(F.relu(net.dense(x))).sum(1), "sum"),
    "view of images": (lambda net, x: net.head(net.dense(x).view(-1, 2, 4)), "shape"),
    "wrong size": (lambda net, x: net.head(F.relu(net.dense(x)).view(-1, 4)), "4 values"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    run, word = REFUSED[name]
    with pytest.raises(UnsupportedLayerError, match=word) as caught:
        load_ann(Network(run))
    assert "\n" not in str(caught.value)
