"""Random networks and observations that reach every mode and every path of the kernels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from simulators import dense_model

from dsqn_fast.model import (
    ENCODINGS,
    AveragePool2d,
    Conv2d,
    Dense,
    EarlyExit,
    Flatten,
    Neuron,
    SpikingLayer,
    SpikingModel,
)
from dsqn_fast.model.observations import observation_shape

FLOATS: Final = ("float32", "float64")
# Sizes around the lanes of every instruction set, in both precisions, and around one panel.
SIZES: Final = (0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 129)
STEPS: Final = (1, 2, 3, 31, 32, 33, 63, 64, 65, 66, 127, 128, 130, 193)
# From four decisions on, small networks are simulated in groups.
BATCHES: Final = (1, 3, 0, 5, 2, 9)
LARGE_NUMBERS: Final = (0, 1, 2**32 - 1, 2**32, 2**63, 2**64 - 10)
# (timing, spikes, reset)
DYNAMICS: Final = tuple(
    (timing, spikes, reset)
    for timing, spikes, reset in product(
        ("instant", "nest", "spytorch"), ("binary", "burst", "signed"), ("subtraction", "zero")
    )
    if spikes == "binary" or (timing != "spytorch" and reset == "subtraction")
)
READOUTS: Final = (
    "potential",
    "early exit",
    "count",
    "two output neurons",
    "count+potential",
    "first-spike",
)
DECAYS: Final = ((0.0, 1.0), (0.0, 0.9), (0.5, 1.0), (0.3, 0.95))


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """Decisions to simulate: a model, its observations and the options of the run."""

    name: str
    model: SpikingModel
    observations: NDArray[Any]
    precision: str
    seed: int
    first: int
    n_threads: int

    def options(self) -> dict[str, Any]:
        """Keyword arguments that every simulator takes."""
        return {"precision": self.precision, "seed": self.seed, "decisions": self.first}


def _values(rng: np.random.Generator, n: int, low: float, high: float) -> NDArray[Any]:
    """One value for all neurons, or one for each."""
    shape = () if rng.random() < 0.3 else (n,)
    return np.asarray(rng.uniform(low, high, shape))


def random_model(rng: np.random.Generator, sizes: tuple[int, ...], **options: Any) -> SpikingModel:
    """A dense model in which about a third of the neurons spikes at a step."""
    shapes = list(pairwise(sizes))
    gain = 1.5 if options.get("encoding", "constant") == "constant" else 3.0
    return dense_model(
        [rng.normal(0.0, gain / np.sqrt(max(a, 1)), (a, b)) for a, b in shapes],
        [rng.uniform(-0.2, 0.4, b) for _, b in shapes],
        thresholds=[_values(rng, b, 0.4, 1.6) for _, b in shapes],
        starts=[_values(rng, b, -0.5, 1.2) for _, b in shapes],
        scales=[_values(rng, b, 0.5, 2.0) for _, b in shapes],
        **options,
    )


def _coarse(model: SpikingModel) -> SpikingModel:
    """Every parameter a multiple of 1/4, so that potentials often equal their thresholds."""
    layers = []
    for layer in model.populations:
        connection = layer.connection
        layers.append(
            SpikingLayer(
                connection=Dense(
                    weight=np.rint(connection.weight * 4) / 4, bias=np.rint(connection.bias * 4) / 4
                ),
                threshold=np.maximum(np.rint(layer.threshold * 4), 1) / 4,
                initial_potential=np.rint(layer.initial_potential * 4) / 4,
                scale=layer.scale,
            )
        )
    decays = {
        "alpha": np.rint(model.neuron.alpha * 2) / 2,
        "beta": np.rint(model.neuron.beta * 2) / 2,
    }
    return model.replace(layers=tuple(layers), neuron=replace(model.neuron, **decays))


def _readout(name: str) -> dict[str, Any]:
    if name == "early exit":
        return {"decoding": "potential", "early_exit": EarlyExit(kappa=2.0, spread=0.9)}
    if name == "two output neurons":
        return {"decoding": "count", "two_output_neurons": True}
    return {"decoding": name}


def _decisions(
    rng: np.random.Generator, index: int, name: str, model: SpikingModel, precision: str
) -> Decisions:
    batch = BATCHES[index % len(BATCHES)]
    observations = rng.normal(0.0, 0.7, (batch, *observation_shape(model)))
    observations[rng.random(observations.shape) < 0.2] = 0.0
    observations[rng.random(observations.shape) < 0.3] = 0.5
    # Every other case gives float32 observations to either engine, the rest float64.
    dtype = np.float32 if index % 2 else np.float64
    return Decisions(
        name=f"{index} {name} {precision} T={model.n_steps} batch={batch}",
        model=model,
        observations=observations.astype(dtype),
        precision=precision,
        seed=LARGE_NUMBERS[index % len(LARGE_NUMBERS)],
        first=LARGE_NUMBERS[(index // 2) % len(LARGE_NUMBERS)],
        n_threads=1 + index % 4,
    )


def every_mode() -> Iterator[Decisions]:
    """All combinations of timing, spikes, reset, encoding, read-out and precision."""
    rng = np.random.default_rng(1)
    grid = product(READOUTS, ENCODINGS, DYNAMICS, FLOATS)
    for index, (readout, encoding, (timing, spikes, reset), precision) in enumerate(grid):
        alpha, beta = DECAYS[rng.integers(len(DECAYS))]
        limit = int(rng.choice([1, 2, 5, 127]))
        model = random_model(
            rng,
            tuple(
                int(n)
                for n in (
                    *rng.integers(1, 6, 1),
                    *rng.choice(SIZES, 2),
                    rng.choice([1, 2, 3, 5, 17]),
                )
            ),
            n_steps=int(rng.choice(STEPS)),
            timing=timing,
            encoding=encoding,
            neuron=Neuron(alpha=alpha, beta=beta, reset=reset, spikes=spikes, burst_limit=limit),
            **_readout(readout),
        )
        if index % 4 > 1:
            model = _coarse(model)
        name = f"{readout} {encoding} {timing} {spikes} {reset} alpha={alpha} beta={beta}"
        yield _decisions(rng, index, name, model, precision)


def every_size() -> Iterator[Decisions]:
    """Each size as number of inputs, of hidden neurons and of outputs, on the common path."""
    rng = np.random.default_rng(2)
    index = 0
    for size, precision in product((*SIZES, 1000), FLOATS):
        shapes = [(3, size, 4), (size, 5, 3)] + ([(4, 6, size)] if size else [])
        for sizes in shapes:
            for beta, reset in ((1.0, "subtraction"), (0.9, "zero")):
                model = random_model(
                    rng,
                    sizes,
                    n_steps=65 if size == 1000 else int(rng.choice(STEPS)),
                    timing=("instant", "nest")[index % 2],
                    encoding=ENCODINGS[index % 3],
                    decoding=("potential", "count")[index // 2 % 2],
                    neuron=Neuron(beta=beta, reset=reset),
                )
                yield _decisions(rng, index, f"sizes {sizes} beta={beta} {reset}", model, precision)
                index += 1


def _pair(rng: np.random.Generator, low: int, high: int) -> tuple[int, int]:
    return (int(rng.integers(low, high + 1)), int(rng.integers(low, high + 1)))


def _population(rng: np.random.Generator, shape: tuple[int, ...], **options: Any) -> SpikingLayer:
    """A convolution or dense layer with weights of ``shape``."""
    gain = 2.5 / np.sqrt(max(np.prod(shape[:-1]), 1))
    parameters = {
        "weight": rng.normal(0.0, gain, shape),
        "bias": rng.uniform(-0.2, 0.4, shape[-1]),
    }
    return SpikingLayer(
        connection=Conv2d(**parameters, **options) if len(shape) == 4 else Dense(**parameters),
        threshold=_values(rng, shape[-1], 0.4, 1.6),
        initial_potential=_values(rng, shape[-1], -0.5, 1.2),
        scale=_values(rng, shape[-1], 0.5, 2.0),
    )


def _image_layers(
    rng: np.random.Generator, shape: tuple[int, ...], dense_head: bool
) -> tuple[Any, ...]:
    """Convolutions and pooling in any order, then a dense head or a convolution."""
    layers: list[Any] = []
    for kind in rng.permutation(["conv", "conv", "pool", "pool"])[: int(rng.integers(1, 5))]:
        kernel = _pair(rng, 1, min(3, *shape[:2]))
        if kind == "pool":
            layer: Any = AveragePool2d(kernel=kernel, stride=_pair(rng, 1, 2))
        else:
            channels = int(rng.choice([1, 2, 5, 16, 17, 66]))
            layer = _population(
                rng,
                (*kernel, shape[2], channels),
                stride=_pair(rng, 1, 2),
                padding=_pair(rng, 0, 2),
            )
        layers.append(layer)
        shape = layer.output_shape(shape)
    if not dense_head:
        return (*layers, _population(rng, (1, 1, shape[2], 3), padding=(1, 0)))
    hidden = int(rng.choice(SIZES))
    head = (_population(rng, (int(np.prod(shape)), hidden)), _population(rng, (hidden, 3)))
    return (*layers, Flatten(), *head)


def every_image() -> Iterator[Decisions]:
    """Convolutions and pooling, with all dynamics, encodings and read-outs."""
    rng = np.random.default_rng(4)
    grid = product(DYNAMICS, ENCODINGS, READOUTS)
    for index, ((timing, spikes, reset), encoding, readout) in enumerate(grid):
        alpha, beta = DECAYS[rng.integers(len(DECAYS))]
        shape = (*_pair(rng, 1, 7), int(rng.choice([1, 2, 3, 17])))
        dense_head = readout == "two output neurons" or bool(rng.random() < 0.6)
        model = SpikingModel(
            layers=_image_layers(rng, shape, dense_head),
            input_shape=shape,
            n_steps=int(rng.choice([1, 5, 33, 64, 65, 70])),
            timing=timing,
            encoding=encoding,
            neuron=Neuron(alpha=alpha, beta=beta, reset=reset, spikes=spikes),
            channels_first=bool(index % 2),
            **_readout(readout),
        )
        name = f"image {readout} {encoding} {timing} {spikes} {reset}"
        yield _decisions(rng, index, name, model, FLOATS[index % 2])


def overflowing() -> Iterator[Decisions]:
    """Weights near the largest float, so that potentials become infinite and then NaN."""
    rng = np.random.default_rng(3)
    grid = product(READOUTS, DYNAMICS, ENCODINGS[:2])
    for index, (readout, (timing, spikes, reset), encoding) in enumerate(grid):
        precision = FLOATS[index % 2]
        alpha, beta = DECAYS[index % len(DECAYS)]
        huge = float(np.finfo(precision).max) * 0.4
        sizes = (2, 9, 17, 4)
        model = dense_model(
            [
                rng.choice([-huge, huge, 1.0, -1.0], p=[0.2, 0.2, 0.3, 0.3], size=s)
                for s in pairwise(sizes)
            ],
            [rng.choice([0.5, huge, -huge], p=[0.8, 0.1, 0.1], size=n) for n in sizes[1:]],
            n_steps=33,
            timing=timing,
            encoding=encoding,
            neuron=Neuron(alpha=alpha, beta=beta, reset=reset, spikes=spikes),
            **_readout(readout),
        )
        yield _decisions(
            rng, index, f"overflow {readout} {timing} {spikes} {reset}", model, precision
        )


def every_fixed() -> Iterator[Decisions]:
    """Fixed point: everything that it supports, dense and with images."""
    rng = np.random.default_rng(5)
    grid = product(READOUTS, ENCODINGS, DYNAMICS, ("dense", "image"))
    for index, (readout, encoding, (timing, spikes, reset), kind) in enumerate(grid):
        if spikes != "binary" and index % 3:
            continue  # burst and signed neurons share the kernel of the other precisions
        options: dict[str, Any] = {
            "n_steps": int(rng.choice(STEPS)),
            "timing": timing,
            "encoding": encoding,
            "neuron": Neuron(reset=reset, spikes=spikes, burst_limit=3),
            **_readout(readout),
        }
        if kind == "dense":
            sizes = (int(rng.integers(1, 6)), *(int(n) for n in rng.choice(SIZES, 2)), 3)
            model = random_model(rng, sizes, **options)
        else:
            layers = (
                _population(rng, (3, 3, 2, 17), padding=(1, 1)),
                AveragePool2d(kernel=(2, 2), stride=(2, 1)),
                Flatten(),
                _population(rng, (3 * 4 * 17, 20)),
                _population(rng, (20, 3)),
            )
            model = SpikingModel(layers=layers, input_shape=(6, 5, 2), **options)
        name = f"fixed {kind} {readout} {encoding} {timing} {spikes} {reset}"
        yield _decisions(rng, index, name, model, "fixed")


def every_product() -> Iterator[Decisions]:
    """Fixed point where windows have enough inputs for products of tiles."""
    rng = np.random.default_rng(6)
    grid = product(("instant", "nest", "spytorch"), ("subtraction", "zero"), READOUTS[:5])
    for index, (timing, reset, readout) in enumerate(grid):
        input_shape = (*_pair(rng, 5, 9), 2)
        shape: tuple[int, ...] = input_shape
        layers: list[Any] = []
        for channels in (int(rng.choice([16, 17, 32, 64])), int(rng.choice([3, 16, 70]))):
            kernel = (int(rng.integers(1, 4)), int(rng.integers(2, 4)))
            steps = {"stride": _pair(rng, 1, 2), "padding": _pair(rng, 0, 2)}
            layers.append(_population(rng, (*kernel, shape[2], channels), **steps))
            shape = layers[-1].output_shape(shape)
        head = (_population(rng, (int(np.prod(shape)), 130)), _population(rng, (130, 3)))
        model = SpikingModel(
            layers=(*layers, Flatten(), *head),
            input_shape=input_shape,
            n_steps=int(rng.choice([1, 15, 16, 17, 33, 50, 64, 65, 100])),
            timing=timing,
            neuron=Neuron(reset=reset),
            **_readout(readout),
        )
        yield _decisions(rng, index, f"product {timing} {reset} {readout}", model, "fixed")


def all_decisions() -> list[Decisions]:
    """Every case, always the same ones in the same order."""
    generators = (every_mode, every_size, every_image, every_fixed, every_product, overflowing)
    return [case for generator in generators for case in generator()]
