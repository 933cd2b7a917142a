"""A NIR graph without neurons (Pedersen et al. 2024), as a chain of operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nir
import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import ModelFileError, UnsupportedLayerError
from dsqn_fast.importers.hdf5_probe import probe_hdf5
from dsqn_fast.importers.operations import (
    Activation,
    Affine,
    Convolution,
    Flattening,
    Floats,
    Linear,
    Operation,
    Pair,
    Pooling,
    SourceNetwork,
)
from dsqn_fast.importers.plain_arrays import MAX_BYTES
from dsqn_fast.importers.refusals import refused_layer, refused_setting
from dsqn_fast.model.layers import Shape

NEURONS = ("IF", "LIF", "LI", "I", "CubaLIF", "CubaLI", "Threshold")


def read_nir(path: Path) -> SourceNetwork:
    """Read a chain of Affine, Linear, Conv2d, Scale, Flatten and pooling nodes.

    NIR has no node for ReLU, so it is assumed after every weighted node but the last.

    Raises:
        ModelFileError: The file is damaged.
        UnsupportedLayerError: The graph has neurons, branches, or has another node.
    """
    graph = read_graph(path)
    nodes = chain_of(graph, path)
    weighted = [i for i, (_, node) in enumerate(nodes) if type(node).__name__ in WEIGHTED]
    operations: list[Operation] = []
    for index, (name, node) in enumerate(nodes):
        operations += operations_of(f"{name} ({type(node).__name__})", node)
        if index in weighted[:-1]:
            operations.append(Activation(name=f"ReLU after {name}"))
    return SourceNetwork(
        operations=tuple(operations),
        input_shape=input_shape_of(graph),
        provenance={"format": "NIR", "nir": nir.version},
        notes=("ReLU after every weighted node but the last was assumed: NIR has no node for it.",),
    )


def read_graph(path: Path) -> nir.NIRGraph:
    """The graph in a file, which need not be trusted.

    Raises:
        ModelFileError: It is no graph, or damaged.
    """
    problem = probe_hdf5(path, MAX_BYTES)
    if problem is None:
        try:
            graph = nir.read(path, type_check=False)  # shapes are checked when layers are built
        except Exception as error:  # nir raises whatever an odd file leads to
            problem = " ".join(str(error).split())[:160]
        else:
            if isinstance(graph, nir.NIRGraph):
                return graph
            problem = f"it holds a {type(graph).__name__}, not a graph"
    raise ModelFileError(f"{path} is not a readable NIR file ({problem}): export it anew")


def chain_of(graph: Any, path: Path) -> list[tuple[str, Any]]:
    """Nodes from input to output by name, without both, those of inner graphs in place."""
    following: dict[str, list[str]] = {}
    for start, end in graph.edges:
        following.setdefault(start, []).append(end)
    name = next((key for key, node in graph.nodes.items() if isinstance(node, nir.Input)), None)
    if name is None:
        raise ModelFileError(
            f"{path} has nodes {sorted(graph.nodes)[:5]} but no Input: export anew"
        )
    nodes: list[tuple[str, Any]] = []
    for _ in range(len(graph.nodes)):
        ends = following.get(name, [])
        if len(ends) != 1:
            raise UnsupportedLayerError(
                f"{name} in {path} leads to {ends}: only one chain from input to output can be "
                "converted"
            )
        name = ends[0]
        if name not in graph.nodes:
            raise ModelFileError(f"{path} has an edge to {name!r}, which is no node")
        node = graph.nodes[name]
        if isinstance(node, nir.Output):
            return nodes
        nodes += chain_of(node, path) if isinstance(node, nir.NIRGraph) else [(name, node)]
    raise UnsupportedLayerError(f"{path} has a loop through {name}: recurrence cannot be converted")


def operations_of(title: str, node: Any) -> list[Operation]:
    """What a node without neurons computes.

    Raises:
        UnsupportedLayerError: It has neurons, or cannot be taken over.
    """
    kind = type(node).__name__
    if kind in NEURONS:
        raise UnsupportedLayerError(
            f"{title} is a population of neurons: this graph is a spiking policy already, so run "
            "it as it is (dsqn-fast run, load_nir), or export the network before its conversion"
        )
    reader = _READERS.get(kind)
    if reader is None:
        raise refused_layer(title, kind)
    return reader(title, node)


def numbers(title: str, value: Any) -> Floats:
    """A node's array as float32 or float64.

    Raises:
        ModelFileError: It holds something else than finite numbers.
    """
    array: NDArray[Any] = np.asarray(value)
    if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise ModelFileError(f"{title} has a weight of {array.dtype} that is no finite number")
    floats: Floats = array.astype(np.float64 if array.dtype == np.float64 else np.float32)
    return floats


def _linear(title: str, node: Any) -> list[Operation]:
    weight = numbers(title, node.weight)
    if weight.ndim != 2:
        raise refused_setting(title, "weight shape", weight.shape, "(n_out, n_in)")
    bias = getattr(node, "bias", None)
    return [Linear(name=title, weight=weight, bias=None if bias is None else numbers(title, bias))]


def _convolution(title: str, node: Any) -> list[Operation]:
    if int(node.groups) != 1:
        raise refused_setting(title, "groups", int(node.groups), 1)
    if _pair(title, "dilation", node.dilation) != (1, 1):
        raise refused_setting(title, "dilation", node.dilation, 1)
    padding = node.padding.decode() if isinstance(node.padding, bytes) else node.padding
    valid = isinstance(padding, str) and padding == "valid"
    return [
        Convolution(
            name=title,
            weight=numbers(title, node.weight),
            bias=numbers(title, node.bias),
            stride=_pair(title, "stride", node.stride),
            padding=(0, 0) if valid else _pair(title, "padding", padding),
        )
    ]


def _pair(title: str, setting: str, value: Any) -> Pair:
    numbers = np.ravel(np.asarray(value))
    if numbers.dtype.kind not in "iu" or len(numbers) not in (1, 2):
        raise refused_setting(title, setting, value, "one or two integers")
    return int(numbers[0]), int(numbers[-1])


def _average(title: str, node: Any) -> list[Operation]:
    if _pair(title, "padding", node.padding) != (0, 0):
        raise refused_setting(title, "padding", node.padding, 0)
    kernel = _pair(title, "kernel_size", node.kernel_size)
    stride = _pair(title, "stride", node.stride)
    return [Pooling(name=title, maximum=False, kernel=kernel, stride=stride)]


def _sum(title: str, node: Any) -> list[Operation]:
    area = np.prod(_pair(title, "kernel_size", node.kernel_size))
    scale = Affine(name=title, scale=np.asarray(area, np.float64), shift=np.zeros(()))
    return [*_average(title, node), scale]


def _scale(title: str, node: Any) -> list[Operation]:
    return [Affine(name=title, scale=numbers(title, node.scale), shift=np.zeros(()))]


def _flatten(title: str, node: Any) -> list[Operation]:
    """Of shapes without batch; start_dim 1 is torch's, where the batch counts."""
    if int(node.start_dim) not in (0, 1) or int(node.end_dim) not in (-1, 2, 3):
        raise refused_setting(title, "start_dim", int(node.start_dim), 0)
    return [Flattening(name=title)]


def input_shape_of(graph: Any) -> Shape | None:
    """(n,) or (channels, height, width) of the graph's input, where it says so."""
    for node in graph.nodes.values():
        if isinstance(node, nir.Input):
            sizes = tuple(int(size) for size in np.ravel(node.input_type["input"]))
            return sizes if len(sizes) in (1, 3) and min(sizes) > 0 else None
    return None


WEIGHTED = ("Affine", "Linear", "Conv2d")
_READERS: Mapping[str, Callable[[str, Any], list[Operation]]] = {
    "Affine": _linear,
    "Linear": _linear,
    "Conv2d": _convolution,
    "AvgPool2d": _average,
    "SumPool2d": _sum,
    "Scale": _scale,
    "Flatten": _flatten,
}
