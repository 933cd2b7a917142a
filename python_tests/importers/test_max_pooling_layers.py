"""Maximum pooling as ReLU convolutions against torch's own."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dsqn_fast.importers.max_pooling import max_pooling_layers
from dsqn_fast.model.forward import apply_layer

PAIR = st.tuples(st.integers(1, 5), st.integers(1, 5))


@settings(max_examples=60, deadline=None)
@given(kernel=PAIR, stride=PAIR, pad=st.booleans(), channels=st.integers(1, 3), seed=st.integers(0))
def test_halves_sum_to_the_maximum(
    kernel: tuple[int, int], stride: tuple[int, int], pad: bool, channels: int, seed: int
) -> None:
    images = np.random.default_rng(seed).exponential(size=(2, 7, 8, channels))
    padding = (kernel[0] // 2, kernel[1] // 2) if pad else (0, 0)
    layers = max_pooling_layers(
        channels, halves=False, kernel=kernel, stride=stride, padding=padding, dtype=np.float64
    )
    value = images
    for layer in layers:
        value = np.maximum(apply_layer(layer, value), 0)
    if value.shape[3] == 2 * channels:
        value = value[..., :channels] + value[..., channels:]
    tensor = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    wanted = torch.nn.functional.max_pool2d(tensor, kernel, stride, padding).numpy()
    np.testing.assert_allclose(value.transpose(0, 3, 1, 2), wanted, rtol=1e-12, atol=1e-12)


def test_a_window_of_k_pixels_takes_log_k_layers_per_axis() -> None:
    for size, count in ((1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (8, 3)):
        layers = max_pooling_layers(
            1, halves=False, kernel=(size, 1), stride=(1, 1), padding=(0, 0), dtype=np.float32
        )
        assert len(layers) == count
