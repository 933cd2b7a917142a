"""A NIR graph with neurons as a spiking policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import ModelError, ModelFileError, OptionError, UnsupportedLayerError
from dsqn_fast.importers.build import build_ann
from dsqn_fast.importers.extras import import_extra
from dsqn_fast.importers.operations import Activation, Affine, Operation, SourceNetwork
from dsqn_fast.importers.plain_arrays import existing_file
from dsqn_fast.model import AveragePool2d, Dense, Flatten, Neuron, SpikingLayer, SpikingModel
from dsqn_fast.model.checks import check_env_id, check_real
from dsqn_fast.model.options import RESETS, Reset, check_choice, check_n_steps
from dsqn_fast.model.spiking_layer import AnySpikingLayer

KEY: Final = "dsqn_fast"
"""Entry of a graph's metadata that holds the header of a policy of this package."""
N_STEPS: Final = 32
"""Time steps of a graph that does not say how many."""


def load_nir(
    path: str | Path,
    *,
    n_steps: int | None = None,
    env_id: str | None = None,
    reset: Reset | None = None,
    dt: float | None = None,
) -> SpikingModel:
    """Read a NIR graph with neurons, of this package or of another.

    A graph that this package wrote comes back as the same policy. Others become policies of
    timing ``instant``, the order in which layer-by-layer simulators compute, with decoding
    ``count`` where the last population spikes and ``potential`` where it integrates. What had
    to be assumed stands in ``provenance["notes"]``.

    Args:
        path: The file.
        n_steps: Time steps T per decision, where the graph does not say or another is wanted.
        env_id: Gymnasium environment, likewise.
        reset: ``subtraction`` or ``zero``: NIR does not say; None is zero, NIR's equation.
        dt: Time step in seconds; None guesses (`nir_neurons`).

    Raises:
        ModelFileError: The file is missing, damaged, or is no NIR graph.
        UnsupportedLayerError: The graph has branches, recurrence, or neurons that cannot be
            simulated here; the message names the node.
        OptionError: An option is not possible, or contradicts the graph.
        MissingExtraError: nir is not installed.
    """
    import_extra("nir", extra="nir", needed_for="a NIR file")
    from dsqn_fast.importers.nir_graph import chain_of, read_graph

    if reset is not None:
        check_choice("reset", reset, RESETS)
    if dt is not None and not 0 < check_real("dt", dt) < np.inf:
        raise OptionError(f"dt must be above 0 seconds, not {dt!r}")
    file = existing_file(Path(path))
    graph = read_graph(file)
    header = dict(graph.metadata or {}).get(KEY)
    if header is None:
        model = _foreign(graph, file, reset or "zero", dt)
    else:
        if reset is not None or dt is not None:
            raise OptionError(f"{file} says itself how it is simulated: leave out reset and dt")
        model = _own(chain_of(graph, file), graph.metadata, header, file)
    changes: dict[str, Any] = {}
    if n_steps is not None:
        changes["n_steps"] = check_n_steps(n_steps)
    if env_id is not None:
        changes["env_id"] = check_env_id(env_id)
    return replace(model, **changes) if changes else model


def _own(
    nodes: list[tuple[str, Any]], metadata: Mapping[str, Any], header: Any, file: Path
) -> SpikingModel:
    """A policy of this package: its header from the metadata, its numbers from the nodes."""
    from dsqn_fast.importers.nir_layout import arrays_of
    from dsqn_fast.model_io import policy_from_text

    text = header.decode("utf-8", "replace") if isinstance(header, bytes) else str(header)
    try:
        return policy_from_text(text, arrays_of(nodes, metadata))
    except ModelFileError as error:
        raise ModelFileError(f"{file}: {error}") from None


def _foreign(graph: Any, file: Path, reset: Reset, dt: float | None) -> SpikingModel:
    from dsqn_fast.importers import nir_graph
    from dsqn_fast.importers.nir_neurons import POPULATIONS, NirNeurons, discrete, time_step

    nodes = nir_graph.chain_of(graph, file)
    kinds = [type(node).__name__ for _, node in nodes]
    if not any(kind in POPULATIONS for kind in kinds):
        raise ModelFileError(
            f"{file} has no neurons: convert it first (dsqn-fast convert {file.name} -o ...)"
        )
    step = time_step(nodes, dt)
    neurons: list[NirNeurons] = []
    operations: list[Operation] = []
    for index, (name, node) in enumerate(nodes):
        title = f"{name} ({kinds[index]})"
        if kinds[index] not in POPULATIONS:
            operations += nir_graph.operations_of(title, node)
            continue
        neurons.append(discrete(title, node, step))
        operations.append(Affine(name=title, scale=neurons[-1].gain, shift=np.zeros(())))
        if index < len(nodes) - 1:
            operations.append(Activation(name=title))
    network = SourceNetwork(
        operations=tuple(operations),
        input_shape=nir_graph.input_shape_of(graph),
        provenance={"file": file.name, "format": "NIR"},
        notes=_assumed(step, reset, spikes_last=neurons[-1].spikes),
    )
    try:
        ann = build_ann(network)
        return _assembled(ann, neurons, reset, populated_end=kinds[-1] in POPULATIONS)
    except ModelError as error:
        raise ModelFileError(f"{file}: {error}") from None


def _assembled(ann: Any, neurons: list[Any], reset: Reset, *, populated_end: bool) -> SpikingModel:
    """The folded layers with their populations."""
    weighted = [layer for layer in ann.layers if not isinstance(layer, AveragePool2d | Flatten)]
    wanted = len(neurons) + (0 if populated_end else 1)
    if len(weighted) != wanted:
        raise UnsupportedLayerError(
            f"the graph has {len(weighted)} weighted layers for {wanted} populations: put one "
            "Affine, Linear or Conv2d node before each population, and no maximum pooling"
        )
    dynamics = {(one.alpha, one.beta) for one in neurons}
    if len(dynamics) != 1:
        first, second = sorted(dynamics)[:2]
        raise UnsupportedLayerError(
            f"populations decay differently, (alpha, beta) = {first} and {second}, and only one "
            "neuron model can be simulated: use the same time constants everywhere"
        )
    silent = [one.title for one in neurons[:-1] if not one.spikes]
    if silent:
        raise UnsupportedLayerError(
            f"{silent[0]} does not spike, and only the last population may be an integrator"
        )
    (alpha, beta), rest = dynamics.pop(), iter(neurons)
    layers: list[AnySpikingLayer] = []
    for layer in ann.layers:
        if isinstance(layer, AveragePool2d | Flatten):
            layers.append(layer)
            continue
        found = next(rest, None)
        threshold = {} if found is None else {"threshold": _threshold(found, layer)}
        layers.append(SpikingLayer(connection=layer, **threshold))
    potential = not populated_end or not neurons[-1].spikes
    return SpikingModel(
        layers=tuple(layers),
        input_shape=ann.input_shape,
        channels_first=ann.channels_first,
        n_steps=N_STEPS,
        neuron=Neuron(alpha=alpha, beta=beta, reset=reset),
        decoding="potential" if potential else "count",
        provenance=ann.provenance,
    )


def _threshold(found: Any, layer: Any) -> NDArray[np.floating]:
    """One threshold, or one per neuron (dense) or channel (convolution)."""
    values: NDArray[np.floating] = found.threshold
    if values.size == 1 or (values == values.flat[0]).all():
        return values.reshape(-1)[:1].reshape(())
    if isinstance(layer, Dense):
        return values.reshape(-1)
    channels = values.reshape(len(layer.bias), -1)
    if (channels != channels[:, :1]).any():
        raise UnsupportedLayerError(
            f"{found.title} has other thresholds at every pixel, and only one per channel can be "
            "simulated"
        )
    per_channel: NDArray[np.floating] = channels[:, 0]
    return per_channel


def _assumed(step: float, reset: Reset, *, spikes_last: bool) -> tuple[str, ...]:
    read = "counting output spikes" if spikes_last else "the output's final potential"
    return (
        f"Steps of {step:g} s, T = {N_STEPS}, reset {reset!r} and {read} were assumed: NIR does "
        "not say.",
        "A neuron spikes from its threshold on (>=), where NIR's equation has >.",
        "Potentials start at 0, and spikes reach the next layer in the same step.",
    )
