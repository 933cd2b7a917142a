"""The spiking model: what conversion makes and every simulator runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import ModelError
from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.layers import AveragePool2d, Conv2d, Dense, Flatten, Shape, Weighted
from dsqn_fast.model.options import (
    DECODINGS,
    ENCODINGS,
    TIMINGS,
    Decoding,
    Encoding,
    Neuron,
    Timing,
    check_choice,
    check_n_steps,
)

Floats = NDArray[np.floating]


@dataclass(frozen=True, kw_only=True, eq=False)
class SpikingLayer:
    """A connection and the population of neurons that it drives.

    Attributes:
        connection: Input weights and bias current per step, already normalised.
        threshold: () or one value per neuron (dense) or per channel (convolution), above 0.
        initial_potential: Potential before the first step, shaped like ``threshold`` may be.
        scale: The lambda by which the layer was normalised: a firing rate of 1 stands for an
            activation of ``scale``. Shaped like ``threshold`` may be.
    """

    connection: Weighted
    threshold: Floats = field(default_factory=lambda: np.float32(1.0).reshape(()))
    initial_potential: Floats = field(default_factory=lambda: np.float32(0.0).reshape(()))
    scale: Floats = field(default_factory=lambda: np.float32(1.0).reshape(()))

    def __post_init__(self) -> None:
        width = self.connection.bias.shape
        for name in ("threshold", "initial_potential", "scale"):
            array = np.asarray(getattr(self, name))
            if array.dtype not in (np.float32, np.float64):
                raise ModelError(f"{name} must be float32 or float64, not {array.dtype}")
            if array.shape not in ((), width):
                raise ModelError(f"{name} must have shape () or {width}, not {array.shape}")
            if not np.isfinite(array).all():
                raise ModelError(f"{name} contains NaN or infinity")
            if name != "initial_potential" and not (array > 0).all():
                raise ModelError(f"{name} must be above 0, but its smallest is {array.min()}")
            object.__setattr__(self, name, array)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Shape of the population for inputs of ``input_shape``."""
        return self.connection.output_shape(input_shape)


AnySpikingLayer = SpikingLayer | AveragePool2d | Flatten


@dataclass(frozen=True, kw_only=True)
class EarlyExit:
    """Stop a decision once the best output potential leads by enough.

    A decision stops at the first step at which (best - second) > kappa * spread.

    Attributes:
        kappa: Factor on the spread, above 0.
        spread: Calibrated spread of the margin, in units of the output potential.
    """

    kappa: float
    spread: float

    def __post_init__(self) -> None:
        for name in ("kappa", "spread"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise ModelError(f"early exit needs a finite {name} above 0, not {value!r}")


@dataclass(frozen=True, kw_only=True, eq=False)
class SpikingModel:
    """A spiking policy: layers, how they are simulated, and where they came from.

    Attributes:
        layers: SpikingLayer, AveragePool2d and Flatten, first to last; the last spikes only
            where the decoding reads spikes.
        input_shape: (n,) or (height, width, channels).
        n_steps: Time steps per decision that it was converted for (T).
        neuron: Neuron model of all layers.
        timing: Delay, comparison and steps run: ``instant``, ``nest`` or ``spytorch``.
        encoding: How observations become input: ``constant``, ``poisson``, ``equidistant``.
        decoding: How outputs become an action: ``potential``, ``count``, ``count+potential``
            or ``first-spike``.
        two_output_neurons: With ``count``: a second neuron per output, with negated weights,
            counts negatively.
        early_exit: Stop a decision early by its margin; None to always run all steps.
        channels_first: Observations arrive as (channels, height, width).
        env_id: Gymnasium environment that it plays, where known.
        preprocessing: Name and options of the observation preprocessing.
        source: The network that it was converted from, where known.
        provenance: Command, seeds, versions, calibration: JSON values only.
    """

    layers: tuple[AnySpikingLayer, ...]
    input_shape: Shape
    n_steps: int
    neuron: Neuron = field(default_factory=Neuron)
    timing: Timing = "instant"
    encoding: Encoding = "constant"
    decoding: Decoding = "potential"
    two_output_neurons: bool = False
    early_exit: EarlyExit | None = None
    channels_first: bool = False
    env_id: str | None = None
    preprocessing: Mapping[str, Any] | None = None
    source: AnnModel | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.validate()

    def validate(self) -> None:
        """Check options and that the layers fit together.

        Raises:
            ModelError: They do not; the message names both values.
            OptionError: An option is not one of its possible words.
        """
        check_choice("timing", self.timing, TIMINGS)
        check_choice("encoding", self.encoding, ENCODINGS)
        check_choice("decoding", self.decoding, DECODINGS)
        check_n_steps(self.n_steps)
        if not self.layers or not isinstance(self.layers[-1], SpikingLayer):
            raise ModelError("a spiking model must end with a layer of neurons")
        self.shapes()
        if self.n_outputs < 1:
            raise ModelError("a spiking model must have at least 1 output, not 0")
        self._validate_combinations()
        if self.source is not None:
            self._validate_source(self.source)

    def _validate_combinations(self) -> None:
        if self.two_output_neurons and self.decoding != "count":
            raise ModelError(f"two_output_neurons needs decoding 'count', not {self.decoding!r}")
        if self.timing == "spytorch" and self.neuron.spikes != "binary":
            raise ModelError(
                f"timing 'spytorch' has binary spikes only, not {self.neuron.spikes!r}: "
                "use timing 'instant' or 'nest'"
            )
        if self.early_exit is not None and self.decoding != "potential":
            raise ModelError(f"early exit needs decoding 'potential', not {self.decoding!r}")

    def _validate_source(self, source: AnnModel) -> None:
        here, there = (
            (tuple(self.input_shape), self.n_outputs),
            (
                tuple(source.input_shape),
                source.n_outputs,
            ),
        )
        if here != there:
            raise ModelError(
                f"the model maps {here[0]} to {here[1]} outputs, its source {there[0]} to "
                f"{there[1]}"
            )

    def shapes(self) -> tuple[Shape, ...]:
        """Shape (without batch) of the input and of every layer's output, in order."""
        if len(self.input_shape) not in (1, 3) or min(self.input_shape, default=0) < 0:
            raise ModelError(
                f"input_shape must be (n,) or (height, width, channels), not {self.input_shape}"
            )
        shapes: list[Shape] = [tuple(self.input_shape)]
        for index, layer in enumerate(self.layers):
            try:
                shapes.append(layer.output_shape(shapes[-1]))
            except ModelError as error:
                raise ModelError(f"layer {index}: {error}") from None
        return tuple(shapes)

    @property
    def n_outputs(self) -> int:
        """Number of outputs: actions of the policy."""
        return int(np.prod(self.shapes()[-1]))

    @property
    def populations(self) -> tuple[SpikingLayer, ...]:
        """The layers that have neurons, first to last; the last is the output layer."""
        return tuple(layer for layer in self.layers if isinstance(layer, SpikingLayer))

    def replace(self, **changes: Any) -> SpikingModel:
        """A copy with some attributes changed, validated again."""
        return replace(self, **changes)

    def save(self, path: str | Path) -> None:
        """Write the policy file; see `dsqn_fast.model_io.save_policy`."""
        from dsqn_fast.model_io import save_policy

        save_policy(self, path)


def is_dense(model: SpikingModel) -> bool:
    """Whether the model has dense layers only (Flatten of a vector is none)."""
    return len(model.input_shape) == 1 and all(
        isinstance(layer, SpikingLayer) and isinstance(layer.connection, Dense)
        for layer in model.layers
    )


def has_convolution(model: SpikingModel) -> bool:
    """Whether any layer is a convolution."""
    return any(isinstance(layer.connection, Conv2d) for layer in model.populations)
