"""How the arrays of a policy of this package lie in the nodes of a NIR graph.

Layer i of the policy is the node ``layer<i>``, and its neurons are ``layer<i>_neurons``. NIR's
images are (channels, height, width), its dense weights (n_out, n_in) and its convolutions
(channels out, channels in, height, width); ours have channels last.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import ModelFileError
from dsqn_fast.model.layers import Shape

SOURCE: Final = "source."
NEURONS: Final = "_neurons"
IN_METADATA: Final = ("initial_potential", "scale")

Array = NDArray[Any]


def channels_last_order(shape: Shape) -> NDArray[np.int64]:
    """Where the values of a channels-last image lie when it is flattened channel by channel."""
    if len(shape) != 3:
        return np.arange(int(np.prod(shape)))
    height, width, channels = shape
    return (
        np.arange(height * width * channels)
        .reshape(channels, height, width)
        .transpose(1, 2, 0)
        .ravel()
    )


def arrays_of(nodes: list[tuple[str, Any]], metadata: Mapping[str, Any]) -> dict[str, Array]:
    """The arrays of a policy by name, from the nodes of its graph and the graph's metadata.

    Raises:
        ModelFileError: A node is not where it belongs.
    """
    arrays = {name: np.asarray(v) for name, v in metadata.items() if name.startswith(SOURCE)}
    before = _sizes_before(nodes)
    for (name, node), shape in zip(nodes, before, strict=True):
        if name.endswith(NEURONS):
            arrays |= _neuron_arrays(name.removesuffix(NEURONS), node)
        elif hasattr(node, "weight"):
            arrays[f"{name}.weight"] = _weight(name, node, shape)
            arrays[f"{name}.bias"] = np.asarray(getattr(node, "bias", np.zeros(())))
    return arrays


def _sizes_before(nodes: list[tuple[str, Any]]) -> list[Shape | None]:
    """Image (height, width, channels) that was flattened right before each node, or None."""
    found: list[Shape | None] = []
    flattened: Shape | None = None
    for previous, _ in itertools.pairwise([None, *(node for _, node in nodes), None]):
        if type(previous).__name__ != "Flatten":
            flattened = None
        else:
            sizes = np.ravel((getattr(previous, "input_type", None) or {}).get("input", ()))
            if len(sizes) == 3:
                channels, height, width = (int(size) for size in sizes)
                flattened = (height, width, channels)
        found.append(flattened)
    return found[: len(nodes)]


def _weight(name: str, node: Any, flattened: Shape | None) -> Array:
    weight = np.asarray(node.weight)
    if weight.ndim == 4:
        return weight.transpose(2, 3, 1, 0)
    if weight.ndim != 2:
        raise ModelFileError(f"{name} has a weight of shape {weight.shape}, which is no layer's")
    if flattened is None:
        return weight.T
    order = channels_last_order(flattened)
    if len(order) != weight.shape[1]:
        raise ModelFileError(
            f"{name} takes {weight.shape[1]} values, but {flattened} are flattened before it"
        )
    return weight.T[order]


def _neuron_arrays(name: str, node: Any) -> dict[str, Array]:
    metadata = dict(getattr(node, "metadata", None) or {})
    threshold = metadata.get("threshold", getattr(node, "v_threshold", None))
    arrays = {f"{name}.threshold": np.asarray(threshold)}
    arrays |= {f"{name}.{key}": np.asarray(metadata.get(key)) for key in IN_METADATA}
    return arrays
