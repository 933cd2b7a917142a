"""Teachers compute what the source computes, whatever its activations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from dsqn_fast.errors import ObservationError, UnsupportedLayerError
from dsqn_fast.importers import load_ann, load_teacher


@pytest.mark.parametrize(
    "activation",
    [
        nn.Tanh(), nn.Sigmoid(), nn.ELU(0.5), nn.LeakyReLU(0.3), nn.GELU("tanh"), nn.SiLU(),
        nn.SELU(), nn.ReLU6(), nn.Hardtanh(-0.5, 0.7), nn.Softplus(2.0), nn.Mish(), nn.ReLU(),
    ],
    ids=str,
)  # fmt: skip
def test_activations_with_their_settings(activation: nn.Module) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 32), activation, nn.BatchNorm1d(32), nn.Linear(32, 2))
    module[2].running_mean.normal_()
    module.eval()
    x = torch.randn(9, 4)
    wanted = module(x).detach().numpy()
    teacher = load_teacher(module, env_id="CartPole-v1")
    np.testing.assert_allclose(teacher.forward(x.numpy()), wanted, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(teacher.forward(x[0].numpy()), wanted[:1], rtol=1e-5, atol=1e-5)
    assert (teacher.input_shape, teacher.n_outputs, teacher.env_id) == ((4,), 2, "CartPole-v1")
    if not isinstance(activation, nn.ReLU):
        with pytest.raises(UnsupportedLayerError, match=type(activation).__name__):
            load_ann(module)


@pytest.mark.parametrize("channels_first", [True, False])
def test_images(channels_first: bool) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Tanh(), nn.MaxPool2d(2),
        nn.Conv2d(4, 4, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3),
    )  # fmt: skip
    module[1].running_mean.normal_()
    module.eval()
    x = torch.randn(5, 2, 8, 9)
    arriving = x if channels_first else x.permute(0, 2, 3, 1)
    teacher = load_teacher(
        module, input_shape=tuple(arriving.shape[1:]), channels_first=channels_first, input_scale=2
    )
    wanted = module(x * 2).detach().numpy()
    np.testing.assert_allclose(teacher.forward(arriving.numpy()), wanted, rtol=1e-4, atol=1e-5)
    assert teacher.input_shape == (8, 9, 2)
    with pytest.raises(ObservationError, match="shape"):
        teacher.forward(np.zeros((5, 3, 3, 3)))


def test_a_relu_network_may_teach_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "net.npz", w0=rng.normal(size=(4, 8)), w1=rng.normal(size=(8, 2)))
    x = rng.normal(size=(5, 4)).astype(np.float32)
    ann = load_ann(tmp_path / "net.npz")
    for source in (tmp_path / "net.npz", ann):
        np.testing.assert_allclose(
            load_teacher(source).forward(x), ann.forward(x), rtol=1e-4, atol=1e-5
        )
