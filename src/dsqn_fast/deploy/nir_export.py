"""A policy as a NIR graph (Pedersen et al. 2024), readable by other frameworks and by this one.

Every layer becomes a node, every population another one (`importers.nir_layout` has the names)::

    beta = 1, alpha = 0     IF, r = 1 / dt                              I  where it never spikes
    beta < 1, alpha = 0     LIF, tau = dt / (1 - beta), r = tau / dt    LI
    alpha > 0               CubaLIF, tau_syn = dt / (1 - alpha), w_in = tau_syn / dt, ...   CubaLI

with dt = 0.1 ms, as snnTorch, SpikingJelly and Norse have it. What NIR has no place for stands in
metadata: of the nodes (reset, start potential, scale) and of the graph (the header of the policy's
own file, and the source network), so that `load_nir` gives back the same policy.
"""

from __future__ import annotations

import io
import itertools
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.deploy.export import ExportReport
from dsqn_fast.errors import OptionError, UnsupportedError
from dsqn_fast.importers.extras import import_extra
from dsqn_fast.importers.nir_layout import NEURONS, channels_last_order
from dsqn_fast.importers.nir_neurons import DT
from dsqn_fast.importers.nir_policy import KEY
from dsqn_fast.model.layers import AveragePool2d, Conv2d, Dense, Flatten, Shape
from dsqn_fast.model.spiking import SpikingLayer, SpikingModel
from dsqn_fast.model_io import policy_to_text
from dsqn_fast.output_files import write_whole

VERY_LONG: Final = 2.0**40
"""tau_mem / dt of a CubaLIF that does not leak: NIR has no current-based neuron without leak."""


def export_nir(model: SpikingModel, path: Path, options: dict[str, Any]) -> ExportReport:
    """Write ``path`` (a .nir file).

    Raises:
        OptionError: The path has another ending, or there are options.
        UnsupportedError: A layer has no values, which HDF5 cannot hold compressed.
        MissingExtraError: nir is not installed.
        OutputPathError: The file cannot be written.
    """
    if options:
        raise OptionError(f"exporter nir has no options, not {next(iter(options))!r}")
    if path.suffix != ".nir":
        raise OptionError(f"the graph must end in .nir, not {path.name!r}")
    write_whole(path, nir_bytes(model))
    return ExportReport(
        target="nir",
        files=(str(path),),
        losses=losses(model),
        notes=(
            "the same policy comes back with load_nir, or with dsqn-fast run " + str(path),
            f"times are for steps of {DT:g} s",
        ),
    )


def nir_bytes(model: SpikingModel) -> bytes:
    """The graph's file."""
    nir = import_extra("nir", extra="nir", needed_for="a NIR file")
    buffer = io.BytesIO()
    nir.write(buffer, nir_graph(model))
    return buffer.getvalue()


def nir_graph(model: SpikingModel) -> Any:
    """The policy as a `nir.NIRGraph`."""
    nir: Any = import_extra("nir", extra="nir", needed_for="a NIR graph")
    header, arrays = policy_to_text(model)
    if any(array.size == 0 for array in arrays.values()):
        raise UnsupportedError("NIR files hold no empty arrays, but a layer has no values")
    nodes: dict[str, Any] = {"input": nir.Input({"input": _sizes(model.input_shape)})}
    flattened: Shape | None = None
    for index, (layer, shapes) in enumerate(_with_shapes(model)):
        name, (before, after) = f"layer{index}", shapes
        plain = layer.connection if isinstance(layer, SpikingLayer) else layer
        nodes[name] = _connection(nir, plain, before, flattened)
        if not isinstance(plain, Flatten):
            flattened = None
        elif len(before) == 3:
            flattened = before
        if isinstance(layer, SpikingLayer):
            last = index == len(model.layers) - 1
            nodes[name + NEURONS] = _population(nir, model, layer, after, last=last)
    nodes["output"] = nir.Output({"output": _sizes(model.shapes()[-1])})
    names = list(nodes)
    metadata = {KEY: header} | {n: np.atleast_1d(a) for n, a in arrays.items() if n[:6] == "source"}
    return nir.NIRGraph(
        nodes=nodes,
        edges=list(itertools.pairwise(names)),
        metadata=metadata,
        type_check=False,
    )


def losses(model: SpikingModel) -> tuple[str, ...]:
    """What NIR carries as a note only, a sentence each."""
    neuron = model.neuron
    found = [
        f"reset {neuron.reset!r}: NIR's neurons have v_reset alone (metadata)",
        f"timing {model.timing!r} and T = {model.n_steps}: NIR is in continuous time (metadata)",
        f"encoding {model.encoding!r} and decoding {model.decoding!r} (metadata)",
        "a spike at the threshold (>=): NIR's equation has >",
        "scales (lambda), environment and provenance (metadata)",
    ]
    if any(layer.initial_potential.any() for layer in model.populations):
        found.append("start potentials: NIR's neurons have none (metadata)")
    if neuron.spikes != "binary":
        found.append(f"{neuron.spikes} spikes: NIR's neurons have spikes of 0 or 1 (metadata)")
    if neuron.alpha > 0 and neuron.beta == 1.0:
        found.append(f"no leak: CubaLIF has a tau_mem of {VERY_LONG:g} steps")
    if model.early_exit is not None:
        found.append("early exit (metadata)")
    if model.source is not None:
        found.append("the source network (metadata)")
    return tuple(found)


def _with_shapes(model: SpikingModel) -> list[tuple[Any, tuple[Shape, Shape]]]:
    shapes = model.shapes()
    return list(zip(model.layers, itertools.pairwise(shapes), strict=True))


def _sizes(shape: Shape) -> NDArray[np.int64]:
    """A shape of NIR: images are (channels, height, width)."""
    return np.array([shape[2], shape[0], shape[1]] if len(shape) == 3 else shape)


def _connection(
    nir: Any,
    layer: Dense | Conv2d | AveragePool2d | Flatten,
    before: Shape,
    flattened: Shape | None,
) -> Any:
    if isinstance(layer, Dense):
        weight = layer.weight.T
        if flattened is not None:
            weight = weight[:, np.argsort(channels_last_order(flattened))]
        return nir.Affine(weight=np.ascontiguousarray(weight), bias=layer.bias)
    if isinstance(layer, Conv2d):
        return nir.Conv2d(
            input_shape=(before[0], before[1]),
            weight=np.ascontiguousarray(layer.weight.transpose(3, 2, 0, 1)),
            stride=layer.stride,
            padding=layer.padding,
            dilation=(1, 1),
            groups=1,
            bias=layer.bias,
        )
    if isinstance(layer, AveragePool2d):
        return nir.AvgPool2d(
            kernel_size=np.array(layer.kernel),
            stride=np.array(layer.stride),
            padding=np.array((0, 0)),
        )
    return nir.Flatten(input_type={"input": _sizes(before)}, start_dim=0, end_dim=-1)


def _population(
    nir: Any, model: SpikingModel, layer: SpikingLayer, shape: Shape, *, last: bool
) -> Any:
    sizes, neuron = tuple(int(size) for size in _sizes(shape)), model.neuron
    metadata: dict[str, Any] = {
        name: np.atleast_1d(getattr(layer, name))
        for name in ("threshold", "initial_potential", "scale")
    }
    metadata |= {"reset": neuron.reset, "spikes": neuron.spikes}

    def each(values: Any) -> NDArray[Any]:
        array = np.asarray(values)
        if array.ndim and len(sizes) == 3:
            array = array[:, np.newaxis, np.newaxis]
        return np.ascontiguousarray(np.broadcast_to(array, sizes))

    values: dict[str, Any] = {"metadata": metadata}
    fires = not last or model.decoding != "potential"
    if fires:
        values |= {"v_threshold": each(layer.threshold), "v_reset": each(np.float32(0))}
    if not neuron.alpha and neuron.beta == 1.0:
        return (nir.IF if fires else nir.I)(r=each(1.0 / DT), **values)
    slowness = 1.0 / (1.0 - neuron.beta) if neuron.beta < 1.0 else VERY_LONG
    values |= {"r": each(slowness), "v_leak": each(np.float32(0))}
    if not neuron.alpha:
        return (nir.LIF if fires else nir.LI)(tau=each(slowness * DT), **values)
    slow = 1.0 / (1.0 - neuron.alpha)
    kind = nir.CubaLIF if fires else nir.CubaLI
    return kind(tau_mem=each(slowness * DT), tau_syn=each(slow * DT), w_in=each(slow), **values)
