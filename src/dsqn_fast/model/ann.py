"""The source network: ReLU after every weighted layer but the last."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import ModelError
from dsqn_fast.model.chain import chain_shapes, check_layers
from dsqn_fast.model.checks import (
    check_env_id,
    check_flag,
    check_input_shape,
    check_json_mapping,
)
from dsqn_fast.model.layers import AveragePool2d, Connection, Conv2d, Dense, Flatten, Shape


@dataclass(frozen=True, kw_only=True, eq=False)
class AnnModel:
    """A trained ReLU network as plain NumPy arrays.

    ReLU follows every weighted layer except the last, whose outputs are Q-values or logits.

    Attributes:
        layers: Dense, Conv2d, AveragePool2d and Flatten, first to last.
        input_shape: (n,) or (height, width, channels).
        channels_first: Observations arrive as (channels, height, width), as torch has them.
        env_id: Gymnasium environment it was trained on, where known.
        preprocessing: Name and options of the observation preprocessing, JSON values only.
        provenance: Where it came from (file, command, versions, notes), JSON values only.
    """

    layers: tuple[Connection, ...]
    input_shape: Shape
    channels_first: bool = False
    env_id: str | None = None
    preprocessing: Mapping[str, Any] | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        plain = {
            "layers": check_layers(self.layers, (Dense, Conv2d, AveragePool2d, Flatten)),
            "input_shape": check_input_shape(self.input_shape),
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
        """Check that the layers fit together; done on creation.

        Raises:
            ModelError: They do not; the message names the layer and both shapes.
        """
        self.shapes()
        if not self.layers or not isinstance(self.layers[-1], Dense | Conv2d):
            raise ModelError("a network must end with a dense or convolutional layer")
        if self.n_outputs < 1:
            raise ModelError("a network must have at least 1 output, not 0")

    def shapes(self) -> tuple[Shape, ...]:
        """Shape (without batch) of the input and of every layer's output, in order."""
        return chain_shapes(self.input_shape, self.layers)

    @property
    def n_outputs(self) -> int:
        """Number of outputs: actions of the policy."""
        return math.prod(self.shapes()[-1])

    def forward(self, observations: NDArray[Any]) -> NDArray[np.floating]:
        """Outputs (B, n_outputs) for observations (B, *input_shape), float32 or float64.

        Observations of one decision (without B) give one row. Float64 observations are
        computed in float64, all others in float32.

        Raises:
            ObservationError: The shape does not fit or a value is NaN or infinite.
        """
        return self.activations(observations)[-1].reshape(-1, self.n_outputs)

    def activations(self, observations: NDArray[Any]) -> tuple[NDArray[np.floating], ...]:
        """Output of every layer, after ReLU where there is one, each (B, *shape)."""
        from dsqn_fast.model.forward import apply_layer
        from dsqn_fast.model.observations import prepare_observations

        dtype = np.float64 if np.asarray(observations).dtype == np.float64 else np.float32
        value = prepare_observations(self, observations, dtype)
        outputs = []
        for index, layer in enumerate(self.layers):
            value = apply_layer(layer, value)
            if isinstance(layer, Dense | Conv2d) and index < len(self.layers) - 1:
                value = np.maximum(value, 0)
            outputs.append(value)
        return tuple(outputs)
