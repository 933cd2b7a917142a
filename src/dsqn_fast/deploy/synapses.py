"""A model's connections as explicit synapses, for targets that know nothing else."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dsqn_fast.connectivity import fan_out
from dsqn_fast.errors import UnsupportedError
from dsqn_fast.model.forward import windows
from dsqn_fast.model.layers import AveragePool2d, Conv2d, Dense, Flatten, Shape
from dsqn_fast.model.spiking import SpikingLayer, SpikingModel


def synapse_matrices(model: SpikingModel) -> tuple[sparse.csr_array, ...]:
    """Weights of the synapses to each population, average pooling multiplied in.

    Returns:
        Per population (n_source, n_target) float64 in CSR format: from the inputs to the first
        population, then from population to population. Neurons are counted in C order of
        (height, width, channels). Entries are explicit even where a weight is 0.
    """
    matrices: list[sparse.csr_array] = []
    before: sparse.csr_array | None = None
    for layer, shape in zip(model.layers, model.shapes()[:-1], strict=True):
        if isinstance(layer, Flatten):
            continue
        matrix = _matrix(layer.connection if isinstance(layer, SpikingLayer) else layer, shape)
        before = matrix if before is None else sparse.csr_array(before @ matrix)
        if isinstance(layer, SpikingLayer):
            matrices.append(before)
            before = None
    return tuple(matrices)


def per_neuron_bias(model: SpikingModel) -> tuple[NDArray[np.float64], ...]:
    """Bias of every neuron, population by population, in the order of `synapse_matrices`."""
    return tuple(
        np.broadcast_to(layer.connection.bias.astype(np.float64), shape).ravel()
        for layer, shape in zip(model.layers, model.shapes()[1:], strict=True)
        if isinstance(layer, SpikingLayer)
    )


def count_synapses(model: SpikingModel) -> int:
    """Synapses between populations; those of the inputs are not counted."""
    return sum(int(counts.sum()) for counts in fan_out(model)[1:])


def refuse_synapses(model: SpikingModel, most: int, title: str) -> str | None:
    """The sentence for a model with more synapses than a target is asked to build."""
    found = count_synapses(model)
    if found <= most:
        return None
    return (
        f"{title} builds every synapse by itself, and this policy has {found}, more than {most}: "
        "use a smaller network"
    )


def _matrix(layer: Dense | Conv2d | AveragePool2d, shape: Shape) -> sparse.csr_array:
    if isinstance(layer, Dense):
        return _from_rows(np.arange(layer.weight.shape[0])[np.newaxis], layer.weight)
    if isinstance(layer, Conv2d):
        kernel = layer.weight.shape[:2]
        sources = _window_sources(shape, kernel, layer.stride, layer.padding)
        fan_in = sources.shape[1] * sources.shape[2]
        rows = layer.weight.reshape(fan_in, layer.weight.shape[3])
        return _from_rows(sources.reshape(len(sources), fan_in), rows, math.prod(shape))
    sources = _window_sources(shape, layer.kernel, layer.stride, (0, 0))
    n_windows, area, channels = sources.shape
    sources = sources.transpose(0, 2, 1).reshape(n_windows * channels, area)
    share = np.full((area, 1), 1.0 / area)
    return _from_rows(sources, share, math.prod(shape))


def _window_sources(
    shape: Shape, kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int]
) -> NDArray[np.int64]:
    """Input indices (windows, kernel pixels, channels); -1 in the padding."""
    if len(shape) != 3:
        raise UnsupportedError(f"an image is needed, not shape {shape}")
    numbered = np.arange(1, math.prod(shape) + 1).reshape(1, *shape)
    view = windows(numbered, kernel, stride, padding)  # type: ignore[arg-type]
    patches = view.transpose(0, 1, 2, 4, 5, 3).astype(np.int64) - 1
    _, rows, columns, height, width, channels = patches.shape
    return patches.reshape(rows * columns, height * width, channels)


def _from_rows(
    sources: NDArray[np.int64], rows: NDArray[np.floating], n_source: int | None = None
) -> sparse.csr_array:
    """The matrix in which window w connects ``sources[w]`` to its targets by ``rows``."""
    n_windows, fan_in = sources.shape
    n_out = rows.shape[1]
    targets = np.arange(n_windows * n_out).reshape(n_windows, 1, n_out)
    shape = (n_windows, fan_in, n_out)
    source = np.broadcast_to(sources[:, :, np.newaxis], shape).ravel()
    target = np.broadcast_to(targets, shape).ravel()
    weight = np.broadcast_to(rows.astype(np.float64), shape).ravel()
    kept = source >= 0
    size = (fan_in if n_source is None else n_source, n_windows * n_out)
    return sparse.csr_array((weight[kept], (source[kept], target[kept])), shape=size)
