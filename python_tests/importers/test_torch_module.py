"""Modules of torch against their own forward pass."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from dsqn_fast.errors import OptionError, UnsupportedLayerError
from dsqn_fast.importers import load_ann
from dsqn_fast.model import AnnModel, AveragePool2d, Conv2d, Dense

Shape = tuple[int, ...]


def randomised(module: nn.Module, seed: int = 0) -> nn.Module:
    """The module with batch statistics as after training, in training mode."""
    generator = torch.Generator().manual_seed(seed)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            for tensor in (layer.running_mean, layer.weight.data, layer.bias.data):
                if tensor is not None:
                    tensor.normal_(generator=generator)
            if layer.running_var is not None:
                layer.running_var.uniform_(0.5, 2, generator=generator)
    return module.train()


def check_equal(module: nn.Module, shape: Shape, ann: AnnModel, scale: float = 1.0) -> None:
    """The network's outputs are the module's in evaluation mode."""
    x = torch.randn(6, *shape, generator=torch.Generator().manual_seed(1)) * scale
    was_training = module.training
    module.eval()
    with torch.no_grad():
        wanted = module(x).reshape(6, -1).numpy()
    module.train(was_training)
    np.testing.assert_allclose(ann.forward(x.numpy()), wanted, rtol=1e-5, atol=1e-5)
    assert wanted.std() > 1e-3


torch.manual_seed(0)  # a network that ends in ReLU may otherwise be 0 everywhere
MLPS = {
    "plain": nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2)),
    "one layer": nn.Sequential(nn.Linear(4, 2)),
    "no bias": nn.Sequential(nn.Linear(4, 8, bias=False), nn.ReLU(), nn.Linear(8, 2, bias=False)),
    "nested": nn.Sequential(
        nn.Flatten(), nn.Sequential(nn.Linear(4, 8), nn.ReLU()), nn.Sequential(nn.Linear(8, 2))
    ),
    "dropout": nn.Sequential(
        nn.Linear(4, 8), nn.Dropout(0.9), nn.ReLU(), nn.Identity(), nn.Linear(8, 2)
    ),
    "norm before relu": nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2)
    ),
    "norm after relu": nn.Sequential(
        nn.Linear(4, 8), nn.ReLU(), nn.BatchNorm1d(8), nn.Linear(8, 2)
    ),
    "norm first and last": nn.Sequential(
        nn.BatchNorm1d(4), nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2), nn.BatchNorm1d(2)
    ),
    "merged": nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 2)),
    "merged across norm": nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 2)
    ),
    "relu twice": nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.ReLU(), nn.Linear(8, 2)),
    "relu at the end": nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3), nn.ReLU()),
}


@pytest.mark.parametrize("name", MLPS)
def test_dense_networks(name: str) -> None:
    torch.manual_seed(0)
    module = randomised(MLPS[name])
    ann = load_ann(module)
    check_equal(module, (4,), ann)
    assert ann.input_shape == (4,)
    assert not ann.channels_first
    assert all(isinstance(layer, Dense) for layer in ann.layers)


def test_the_module_stays_as_it_is() -> None:
    module = randomised(MLPS["norm before relu"])
    before = {key: tensor.clone() for key, tensor in module.state_dict().items()}
    load_ann(module)
    assert module.training
    for key, tensor in module.state_dict().items():
        assert torch.equal(tensor, before[key])


def test_notes_name_what_was_folded() -> None:
    notes = load_ann(randomised(MLPS["merged across norm"])).provenance["notes"]
    assert any("1 (BatchNorm1d) was folded" in note for note in notes)
    assert any("merged" in note for note in notes)
    assert load_ann(MLPS["plain"]).provenance["notes"] == []


CNNS = {
    "plain": (
        nn.Sequential(
            nn.Conv2d(2, 4, 3, stride=2), nn.ReLU(), nn.Conv2d(4, 5, (2, 3), padding=(1, 0)),
            nn.ReLU(), nn.Flatten(), nn.Linear(5 * 5 * 7, 6), nn.ReLU(), nn.Linear(6, 3),
        ),
        (2, 9, 19),
    ),
    "norm before relu": (
        nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(),
            nn.Linear(4 * 5 * 6, 3),
        ),
        (2, 5, 6),
    ),
    "norm after relu, then valid convolution": (
        nn.Sequential(
            nn.Conv2d(2, 4, 3), nn.ReLU(), nn.BatchNorm2d(4), nn.Conv2d(4, 5, 2), nn.ReLU(),
            nn.BatchNorm2d(5), nn.Flatten(), nn.BatchNorm1d(5 * 2 * 3), nn.Linear(5 * 2 * 3, 3),
        ),
        (2, 5, 6),
    ),
    "average pool": (
        nn.Sequential(
            nn.Conv2d(2, 4, 3), nn.ReLU(), nn.BatchNorm2d(4), nn.AvgPool2d((2, 3), (1, 2)),
            nn.Flatten(), nn.Linear(4 * 5 * 3, 3),
        ),
        (2, 8, 10),
    ),
    "average pool before relu": (
        nn.Sequential(
            nn.Conv2d(2, 4, 3, stride=2, padding=1), nn.AvgPool2d(2), nn.BatchNorm2d(4),
            nn.ReLU(), nn.Flatten(), nn.Linear(4 * 2 * 3, 3),
        ),
        (2, 9, 13),
    ),
    "average pool of the input": (
        nn.Sequential(
            nn.AvgPool2d(2), nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 2 * 3, 3)
        ),
        (2, 8, 10),
    ),
    "global average": (
        nn.Sequential(
            nn.Conv2d(2, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)
        ),
        (2, 8, 10),
    ),
    "global average at the end": (
        nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        (2, 8, 10),
    ),
    "convolution at the end": (
        nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Conv2d(4, 3, (4, 5)), nn.Flatten()),
        (2, 6, 7),
    ),
    "max pool": (
        nn.Sequential(
            nn.Conv2d(2, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 5, 2, padding=1),
            nn.ReLU(), nn.Flatten(), nn.Linear(5 * 4 * 5, 3),
        ),
        (2, 8, 10),
    ),
    "max pool before relu, then flatten": (
        nn.Sequential(
            nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.MaxPool2d(3, 2), nn.ReLU(), nn.Flatten(),
            nn.Linear(4 * 2 * 3, 3),
        ),
        (2, 8, 10),
    ),
    "max pool, then flatten, then relu": (
        nn.Sequential(
            nn.Conv2d(2, 4, 3), nn.MaxPool2d(2), nn.Flatten(), nn.ReLU(), nn.Linear(4 * 3 * 4, 3)
        ),
        (2, 8, 10),
    ),
    "max pools with padding, strides and averages": (
        nn.Sequential(
            nn.Conv2d(2, 3, 3), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1), nn.MaxPool2d((1, 4), 1),
            nn.AvgPool2d(2, 1), nn.MaxPool2d((2, 1), (1, 2)), nn.Flatten(),
            nn.Linear(3 * 4 * 2, 3),
        ),
        (2, 13, 18),
    ),
    "max pool of one pixel": (
        nn.Sequential(
            nn.Conv2d(2, 3, 3), nn.ReLU(), nn.MaxPool2d(1, 2), nn.MaxPool2d(1), nn.Flatten(),
            nn.Linear(3 * 3 * 4, 3),
        ),
        (2, 8, 10),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CNNS)
def test_convolutional_networks(name: str) -> None:
    torch.manual_seed(0)
    module, shape = CNNS[name]
    randomised(module)
    ann = load_ann(module, input_shape=shape)
    check_equal(module, shape, ann)
    assert ann.channels_first
    assert ann.input_shape == (shape[1], shape[2], shape[0])


def test_observations_may_arrive_channels_last() -> None:
    module, shape = CNNS["plain"]
    first = load_ann(module, input_shape=shape)
    last = load_ann(module, input_shape=(shape[1], shape[2], shape[0]), channels_first=False)
    x = np.random.default_rng(0).normal(size=(3, *shape)).astype(np.float32)
    np.testing.assert_array_equal(first.forward(x), last.forward(x.transpose(0, 2, 3, 1)))


def test_average_before_relu_is_one_wider_convolution() -> None:
    module, shape = CNNS["average pool before relu"]
    layers = load_ann(module, input_shape=shape).layers
    assert not any(isinstance(layer, AveragePool2d) for layer in layers)
    assert isinstance(layers[0], Conv2d)
    assert layers[0].weight.shape[:2] == (5, 5)
    assert layers[0].stride == (4, 4)


def test_input_shape_that_follows_from_the_weights() -> None:
    module = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 7 * 7, 3))
    assert load_ann(module).input_shape == (9, 9, 2)
    module = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 7 * 5, 3))
    with pytest.raises(OptionError, match=r"2 channels.*no square image"):
        load_ann(module)


REFUSED = {
    "Tanh": (nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 2)), "1 (Tanh)", "--distill"),
    "Sigmoid": (nn.Sequential(nn.Linear(4, 4), nn.Sigmoid(), nn.Linear(4, 2)), "Sigmoid", "ReLU"),
    "LeakyReLU": (nn.Sequential(nn.Linear(4, 4), nn.LeakyReLU(), nn.Linear(4, 2)), "Leaky", "ReLU"),
    "LayerNorm": (nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.ReLU()), "LayerNorm", "use"),
    "LSTM": (nn.LSTM(4, 4), "LSTM", "use"),
    "groups": (nn.Sequential(nn.Conv2d(2, 2, 3, groups=2), nn.ReLU()), "groups=2", "1"),
    "dilation": (nn.Sequential(nn.Conv2d(2, 2, 3, dilation=2)), "dilation=(2, 2)", "1"),
    "padding mode": (nn.Sequential(nn.Conv2d(2, 2, 3, padding_mode="circular")), "circular", "zer"),
    "same": (nn.Sequential(nn.Conv2d(2, 2, 3, padding="same")), "same", "integers"),
    "ceil": (nn.Sequential(nn.Conv2d(2, 2, 3), nn.MaxPool2d(2, ceil_mode=True)), "ceil_mode", "Fa"),
    "padded mean": (nn.Sequential(nn.Conv2d(2, 2, 3), nn.AvgPool2d(2, padding=1)), "padding=1", ""),
    "pooled input": (nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(2, 2, 3)), "0 (MaxPool2d)", "after"),
    "no statistics": (
        nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4, track_running_stats=False), nn.ReLU()),
        "track_running_stats",
        "",
    ),
    "two convolutions": (
        nn.Sequential(nn.Conv2d(2, 2, 3), nn.Conv2d(2, 2, 3)), "1 (Conv2d) follows 0", "ReLU"
    ),
    "relu of the input": (nn.Sequential(nn.ReLU(), nn.Linear(4, 2)), "0 (ReLU)", "Linear"),
    "image at the end": (nn.Sequential(nn.Conv2d(2, 2, 3)), "0 (Conv2d)", "Flatten"),
    "nothing weighted": (nn.Sequential(nn.ReLU()), "no Linear or Conv2d", "give"),
    "transposed": (nn.Sequential(nn.ConvTranspose2d(2, 2, 3)), "ConvTranspose2d", "use"),
    "shift before padding": (
        nn.Sequential(nn.BatchNorm2d(2), nn.Conv2d(2, 2, 3, padding=1), nn.ReLU()), "1 (Conv2d)",
        "padding",
    ),
    "wrong size": (
        nn.Sequential(nn.Conv2d(2, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(50, 3)), "50 values",
        "input_shape",),
    "NaN": (nn.Sequential(nn.Linear(4, 2)), "NaN", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name(name: str) -> None:
    module, first, second = REFUSED[name]
    if name == "NaN":
        module[0].weight.data[0, 0] = torch.nan
    randomised(module)
    with pytest.raises(ValueError, match=r"\w") as caught:
        load_ann(module, input_shape=(2, 8, 8) if "Conv" in str(module) else None)
    assert isinstance(caught.value, UnsupportedLayerError) or name == "NaN"
    message = str(caught.value)
    assert first in message
    assert second in message
    assert "\n" not in message


def test_negative_norm_is_not_exchanged_with_a_maximum() -> None:
    torch.manual_seed(0)
    for layers in (
        [nn.Conv2d(2, 2, 3), nn.MaxPool2d(2), nn.BatchNorm2d(2), nn.ReLU()],
        [nn.Conv2d(2, 2, 3), nn.ReLU(), nn.BatchNorm2d(2), nn.MaxPool2d(2)],
    ):
        module = nn.Sequential(*layers, nn.Flatten(), nn.Linear(2 * 9, 3))
        norm = next(layer for layer in layers if isinstance(layer, nn.BatchNorm2d))
        check_equal(module, (2, 8, 8), load_ann(module, input_shape=(2, 8, 8)))
        norm.weight.data[0] = -1
        with pytest.raises(UnsupportedLayerError, match="negative scale"):
            load_ann(module, input_shape=(2, 8, 8))
