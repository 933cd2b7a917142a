"""An event-driven loop in Numba: for every spike, add its row of weights to the currents."""

from __future__ import annotations

import functools
import math
from types import FunctionType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.benchmarking.peers.folded import PlainLayer, plain_layers
from dsqn_fast.benchmarking.peers.numpy_loop import input_current
from dsqn_fast.benchmarking.peers.peer import Floats, Peer
from dsqn_fast.model.spiking import SpikingModel

Integers = NDArray[np.int64]
COLUMNS: Final = (
    "first neuron, neurons, first weight, outputs per window, is a convolution, kernel rows, "
    "kernel columns, channels in, width in, rows out, columns out, strides (2), paddings (2)"
)
"""Of the table of layers that the compiled functions take."""


def fire(v: Floats, current: Floats, spikes: Integers) -> int:
    """Update v (n,), reset by subtraction; write who spiked and return how many did."""
    count = 0
    for j in range(v.size):
        value = v[j] + current[j]
        if value >= np.float32(1):
            value -= np.float32(1)
            spikes[count] = j
            count += 1
        v[j] = value
    return count


def constant_current(observations: Floats, weight: Floats, bias: Floats) -> Floats:
    """Currents (B, n_out) of a dense first layer; zero inputs are skipped."""
    currents = np.empty((len(observations), bias.size), np.float32)
    for b in range(len(observations)):
        current = currents[b]
        current[:] = bias
        for i in range(observations.shape[1]):
            value = observations[b, i]
            if value != np.float32(0):
                row = weight[i]
                for j in range(bias.size):
                    current[j] += value * row[j]
    return currents


def add_dense(i: int, weights: Floats, current: Floats) -> None:
    """Add row ``i`` of the weights (n_in * n_out,) to ``current`` (n_out,)."""
    row = weights[i * current.size : (i + 1) * current.size]
    for j in range(current.size):
        current[j] += row[j]


def add_window(i: int, layer: Integers, weights: Floats, current: Floats) -> None:
    """Add to every window that sees input ``i`` the weights by which it does."""
    # Compiled code knows no unpacking of arrays.
    n_out, kernel_rows, kernel_columns = layer[3], layer[5], layer[6]
    channels, width, rows, columns = layer[7], layer[8], layer[9], layer[10]
    down, right, top, left = layer[11], layer[12], layer[13], layer[14]
    channel, pixel = i % channels, i // channels
    y, x = pixel // width + top, pixel % width + left
    for row in range(max(0, (y - kernel_rows + down) // down), min(rows, y // down + 1)):
        first = max(0, (x - kernel_columns + right) // right)
        for column in range(first, min(columns, x // right + 1)):
            tap = (y - row * down) * kernel_columns + x - column * right
            at, to = (tap * channels + channel) * n_out, (row * columns + column) * n_out
            source, target = weights[at : at + n_out], current[to : to + n_out]
            for j in range(n_out):
                target[j] += source[j]


def simulate(
    constant: Floats, start: Floats, bias: Floats, weights: Floats, table: Integers, n_steps: int
) -> Floats:
    """Final potentials (B, n_out) for currents (B, n) of the first layer.

    Args:
        constant: Current of the first layer.
        start: Start potentials of all neurons, layer after layer.
        bias: Currents without spikes of all neurons; those of the first layer are not read.
        weights: Weights of all layers after the first, one after the other.
        table: A row per layer, see `COLUMNS`.
        n_steps: Time steps.
    """
    last = len(table) - 1
    outputs = np.empty((len(constant), table[last, 1]), np.float32)
    spikes = np.empty(table[:, 1].max(), np.int64)
    current = np.empty(len(start), np.float32)
    for b in range(len(constant)):
        v = start.copy()
        for _ in range(n_steps):
            current[:] = bias
            current[: table[0, 1]] = constant[b]
            for index in range(last):
                here, after = table[index], table[index + 1]
                end = here[0] + here[1]
                count = fire(v[here[0] : end], current[here[0] : end], spikes)
                drive = current[after[0] : after[0] + after[1]]
                rows = weights[after[2] :]
                for k in range(count):
                    if after[4]:
                        add_window(spikes[k], after, rows, drive)
                    else:
                        add_dense(spikes[k], rows, drive)
            for j in range(table[last, 0], len(start)):
                v[j] += current[j]
        outputs[b] = v[table[last, 0] :]
    return outputs


class NumbaEvents(Peer):
    """Each step updates every layer; work follows the spikes."""

    title = "Numba, event-driven"
    distribution = "numba"
    modules = ("numba",)

    def prepare(self, model: SpikingModel, n_steps: int, batch: int) -> None:
        """Lay the network out as flat arrays; compile when it decides first."""
        layers = plain_layers(model)
        self._first, self._n_steps = layers[0], n_steps
        self._start, self._bias = (
            np.concatenate([_per_neuron(layer, getattr(layer, name)) for layer in layers])
            for name in ("start", "bias")
        )
        self._weights = np.concatenate([layer.weight.ravel() for layer in layers[1:]])
        self._table = _table(layers)
        self._currents, self._simulate = compiled()

    def decide(self, observations: Floats) -> Floats:
        """Final potentials of the outputs, one decision after the other."""
        constant = self._constant(observations)
        potentials: Floats = self._simulate(
            constant, self._start, self._bias, self._weights, self._table, self._n_steps
        )
        return potentials

    def _constant(self, observations: Floats) -> Floats:
        first = self._first
        if first.is_dense:
            flat = observations.reshape(len(observations), -1)
            currents: Floats = self._currents(flat, first.weight, first.bias)
            return currents
        return input_current(first, observations).reshape(len(observations), -1)


def _per_neuron(layer: PlainLayer, values: Floats) -> Floats:
    return np.broadcast_to(values, layer.output_shape).ravel().astype(np.float32)


def _table(layers: list[PlainLayer]) -> Integers:
    rows, neuron, weight = [], 0, 0
    for index, layer in enumerate(layers):
        neurons = math.prod(layer.output_shape)
        row = [neuron, neurons, weight, layer.bias.size, not layer.is_dense]
        if layer.is_dense:
            row += [0] * 10
        else:
            row += [*layer.weight.shape[:3], layer.input_shape[1], *layer.output_shape[:2]]
            row += [*layer.stride, *layer.padding]
        rows.append(row)
        neuron += neurons
        weight += layer.weight.size if index else 0
    return np.array(rows, np.int64)


@functools.cache
def compiled() -> tuple[Any, Any]:
    """`constant_current` and `simulate`, compiled with what they call."""
    import numba

    jit = numba.njit(fastmath=True)
    namespace = {f.__name__: jit(f) for f in (fire, add_dense, add_window)}
    # A compiled function looks its callees up among its globals: give it those.
    clone = FunctionType(simulate.__code__, {**globals(), **namespace})
    return jit(constant_current), jit(clone)
