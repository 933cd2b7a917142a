"""The spiking model: what conversion makes and every simulator runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dsqn_fast.errors import ModelError
from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.chain import chain_shapes, check_layers
from dsqn_fast.model.checks import (
    check_env_id,
    check_flag,
    check_input_shape,
    check_json_mapping,
    shown,
)
from dsqn_fast.model.layers import AveragePool2d, Conv2d, Dense, Flatten, Shape
from dsqn_fast.model.observations import observation_shape
from dsqn_fast.model.options import (
    DECODINGS,
    ENCODINGS,
    TIMINGS,
    Decoding,
    EarlyExit,
    Encoding,
    Neuron,
    Timing,
    WeightsDtype,
    check_choice,
    check_n_steps,
)
from dsqn_fast.model.spiking_layer import AnySpikingLayer, SpikingLayer

__all__ = ["EarlyExit", "SpikingLayer", "SpikingModel", "has_convolution", "is_dense"]


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
        plain = {
            "layers": check_layers(self.layers, (SpikingLayer, AveragePool2d, Flatten)),
            "input_shape": check_input_shape(self.input_shape),
            "n_steps": check_n_steps(self.n_steps),
            "two_output_neurons": check_flag("two_output_neurons", self.two_output_neurons),
            "channels_first": check_flag("channels_first", self.channels_first),
            "env_id": check_env_id(self.env_id),
            "provenance": check_json_mapping("provenance", self.provenance),
        }
        if self.preprocessing is not None:
            plain["preprocessing"] = check_json_mapping("preprocessing", self.preprocessing)
        for name, value in plain.items():
            object.__setattr__(self, name, value)
        self.validate()

    def validate(self) -> None:
        """Check options and that the layers fit together; done on creation.

        Raises:
            ModelError: They do not; the message names both values.
            OptionError: An option is not one of its possible words.
        """
        check_choice("timing", self.timing, TIMINGS)
        check_choice("encoding", self.encoding, ENCODINGS)
        check_choice("decoding", self.decoding, DECODINGS)
        for name, kind in (("neuron", Neuron), ("early_exit", EarlyExit), ("source", AnnModel)):
            value = getattr(self, name)
            if not isinstance(value, kind) and (value is not None or name == "neuron"):
                raise ModelError(f"{name} must be of type {kind.__name__}, not {shown(value)}")
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
            (network.input_shape, network.n_outputs, observation_shape(network))
            for network in (self, source)
        )
        if here != there:
            raise ModelError(
                f"the model maps {here[0]} to {here[1]} outputs and takes observations of "
                f"{here[2]}, but its source maps {there[0]} to {there[1]} and takes {there[2]}"
            )

    def shapes(self) -> tuple[Shape, ...]:
        """Shape (without batch) of the input and of every layer's output, in order."""
        return chain_shapes(self.input_shape, self.layers)

    @property
    def n_outputs(self) -> int:
        """Number of outputs: actions of the policy."""
        return math.prod(self.shapes()[-1])

    @property
    def populations(self) -> tuple[SpikingLayer, ...]:
        """The layers that have neurons, first to last; the last is the output layer."""
        return tuple(layer for layer in self.layers if isinstance(layer, SpikingLayer))

    def replace(self, **changes: Any) -> SpikingModel:
        """A copy with some attributes changed, validated again."""
        return replace(self, **changes)

    def save(self, path: str | Path, *, weights_dtype: WeightsDtype | None = None) -> None:
        """Write the policy file; see `dsqn_fast.model_io.save_policy`."""
        from dsqn_fast.model_io import save_policy

        save_policy(self, path, weights_dtype=weights_dtype)


def is_dense(model: SpikingModel) -> bool:
    """Whether the model has dense layers only (Flatten of a vector is none)."""
    return len(model.input_shape) == 1 and all(
        isinstance(layer, SpikingLayer) and isinstance(layer.connection, Dense)
        for layer in model.layers
    )


def has_convolution(model: SpikingModel) -> bool:
    """Whether any layer is a convolution."""
    return any(isinstance(layer.connection, Conv2d) for layer in model.populations)
