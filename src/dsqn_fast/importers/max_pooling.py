"""Maximum pooling as ReLU convolutions, exactly.

For values of at least 0, which is what a ReLU leaves::

    max(a, b) = relu(a - b) + relu(b)

so one convolution with ReLU computes both terms for every pair of pixels (channels
``[relu(a - b), relu(b)]``), and the next layer's weights, each used twice, add them. A window of
k pixels takes ceil(log2 k) such layers per axis. The spiking network then needs no rule for a
maximum: all its neurons are of one kind.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from dsqn_fast.importers.operations import Pair
from dsqn_fast.model.layers import Conv2d


@dataclass(kw_only=True)
class _Stage:
    """The maximum of each pixel and the one ``shift`` further along ``axis``."""

    axis: int
    shift: int
    stride: int = 1
    padding: int = 0


def max_pooling_layers(
    channels: int, *, halves: bool, kernel: Pair, stride: Pair, padding: Pair, dtype: DTypeLike
) -> list[Conv2d]:
    """Convolutions, each followed by ReLU, whose output halves sum to the pooled image.

    Args:
        channels: Channels of the image that is pooled.
        halves: The image itself arrives as two halves, (height, width, 2 * channels), to be
            summed, as another pooling leaves it.
        kernel: Window height and width.
        stride: Vertical and horizontal step.
        padding: Rows and columns around the image that never are the maximum.
        dtype: float32 or float64.

    Returns:
        The layers; none for a kernel and stride of 1. The last one's channels are two halves to
        be summed, except for a kernel of 1, where one layer of ``channels`` subsamples.
    """
    stages = _stages(0, kernel[0], stride[0], padding[0])
    stages += _stages(1, kernel[1], stride[1], padding[1])
    if stages == [] and stride == (1, 1):
        return []
    if stages == []:
        weight = _sum_of(np.eye(channels)[np.newaxis, np.newaxis], halves).astype(dtype)
        return [Conv2d(weight=weight, bias=np.zeros(channels, dtype), stride=stride)]
    layers = []
    for stage in stages:
        weight = _sum_of(_pair_weight(channels, stage), halves).astype(dtype)
        steps, zeros = [1, 1], [0, 0]
        steps[stage.axis], zeros[stage.axis] = stage.stride, stage.padding
        if stage is stages[-1]:
            # An axis without a stage of its own is subsampled by the last one.
            steps = [stride[axis] if kernel[axis] == 1 else steps[axis] for axis in (0, 1)]
        layers.append(
            Conv2d(
                weight=weight,
                bias=np.zeros(2 * channels, dtype),
                stride=(steps[0], steps[1]),
                padding=(zeros[0], zeros[1]),
            )
        )
        halves = True
    return layers


def _stages(axis: int, kernel: int, stride: int, padding: int) -> list[_Stage]:
    stages: list[_Stage] = []
    window = 1
    while window < kernel:
        shift = min(window, kernel - window)
        stages.append(_Stage(axis=axis, shift=shift))
        window += shift
    if stages:
        stages[0].padding = padding
        stages[-1].stride = stride
    return stages


def _pair_weight(channels: int, stage: _Stage) -> np.ndarray:
    """(kernel height, kernel width, channels, 2 * channels): a - b, then b."""
    one = np.eye(channels)
    weight = np.zeros((stage.shift + 1, channels, 2 * channels))
    weight[0, :, :channels] = one
    weight[-1, :, :channels] = -one
    weight[-1, :, channels:] = one
    return np.expand_dims(weight, 1 - stage.axis)


def _sum_of(weight: np.ndarray, halves: bool) -> np.ndarray:
    """``weight`` for an input that arrives as two halves to be summed, if it does."""
    return np.concatenate([weight, weight], axis=2) if halves else weight
