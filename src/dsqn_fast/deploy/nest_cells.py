"""Neurons, synapses and inputs of NEST."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.deploy.nest_setup import UNREACHABLE, NestSetup
from dsqn_fast.deploy.synapses import Synapses

Floats = NDArray[np.float64]
ADAPTIVE_THESIS: Final = {"c_1": 1e10, "c_2": 10.0, "c_3": 5.0}
"""Rate c_1 * V' + c_2 * exp(c_3 * V') in 1/s of Hahn 2020, table B.5; V' is above threshold."""
ADAPTIVE_EXACT: Final = {"c_1": 1e30, "c_2": 0.0, "c_3": 1.0}
"""The same, so steep that a neuron fires as soon as V' is above 0."""
SHORTEST_DEAD_TIME: Final = 1e-8
TAU_ADAPTATION: Final = 1e10


def hidden_parameters(setup: NestSetup, threshold: Floats) -> tuple[str, dict[str, Any]]:
    """NEST's model and its parameters, one threshold per neuron."""
    if setup.adaptive:
        rates = ADAPTIVE_EXACT if setup.neuron == "pp_exact" else ADAPTIVE_THESIS
        return "pp_psc_delta", {
            **rates,
            "C_m": setup.leak.c_m,
            "tau_m": setup.leak.tau_m,
            "dead_time": SHORTEST_DEAD_TIME,
            "dead_time_random": False,
            "with_reset": False,
        }
    if setup.strict:
        threshold = np.nextafter(threshold, np.inf)
    return setup.neuron, {**_cell(setup), "V_th": threshold}


def output_parameters(setup: NestSetup) -> tuple[str, dict[str, Any]]:
    """The same for outputs that never spike."""
    kind = "iaf_psc_delta" if setup.adaptive else setup.neuron
    return kind, {**_cell(setup), "V_th": UNREACHABLE}


def _cell(setup: NestSetup) -> dict[str, Any]:
    cell = {"C_m": setup.leak.c_m, "tau_m": setup.leak.tau_m, "E_L": 0.0, "t_ref": 0.0}
    if setup.neuron != "eprop_iaf":
        cell["V_reset"] = 0.0
    return cell


def set_each(nodes: Any, name: str, values: Floats) -> None:
    """Set one parameter of every node; a list spares NEST from reading all parameters first."""
    nodes.set([{name: value} for value in values.tolist()])


def set_adaptation(nodes: Any, threshold: Floats) -> None:
    """Let every spike raise the threshold of a pp_psc_delta neuron by its own threshold."""
    nodes.set([{"q_sfa": [value], "tau_sfa": [TAU_ADAPTATION]} for value in threshold.tolist()])


def connect(before: Any, after: Any, synapses: Synapses, copies: int, delay: float) -> None:
    """Connect every copy of one population with its copy of the next."""
    sizes = (len(before) // copies, len(after) // copies)
    source, target, weight = _copied(synapses, copies, sizes)
    _join(before[0].global_id + source, after[0].global_id + target, weight, delay)


def _copied(synapses: Synapses, copies: int, sizes: tuple[int, int]) -> tuple[Any, Any, Any]:
    """Source, target and weight of all copies; synapses of weight 0 are left out."""
    real = synapses.weight != 0
    shift = np.arange(copies)[:, np.newaxis]
    source = (synapses.source[real] + shift * sizes[0]).ravel()
    target = (synapses.target[real] + shift * sizes[1]).ravel()
    return source, target, np.tile(synapses.weight[real], copies)


def _join(source: Any, target: Any, weight: Floats, delay: float) -> None:
    import nest

    if not len(source):
        return
    spec = {"weight": weight, "delay": np.full(len(weight), delay)}
    nest.Connect(source, target, "one_to_one", spec)


class SpikeSources:
    """Two spike generators per input of every copy: for spikes of +1, and of -1."""

    def __init__(self, nodes: Any, width: int, copies: int) -> None:
        self.nodes, self._width, self._copies = nodes, width, copies

    def feed(self, spikes: NDArray[np.int8], origin: float) -> None:
        """Set the spikes (copies, T, width) of the next decision.

        A spike of step t leaves at origin + t - 1 and arrives a millisecond later.
        """
        signed = np.stack([spikes > 0, spikes < 0], axis=-1)
        flat = signed.transpose(0, 2, 3, 1).reshape(len(self.nodes), -1)
        self.nodes.set([{"spike_times": origin + np.flatnonzero(row)} for row in flat])


def spike_sources(first: Any, synapses: Synapses, copies: int) -> SpikeSources:
    """Generators of an encoding's spikes, connected with the first population.

    A positive and a negative generator of an input stand side by side, so that its spikes are
    added in the order of the inputs.
    """
    import nest

    width = int(synapses.source.max(initial=-1)) + 1
    nodes = nest.Create("spike_generator", 2 * width * copies)
    source, target, weight = _copied(synapses, copies, (width, len(first) // copies))
    begin = nodes[0].global_id
    for sign in (0, 1):
        ids = begin + 2 * source + sign
        _join(ids, first[0].global_id + target, (1 - 2 * sign) * weight, 1.0)
    return SpikeSources(nodes, width, copies)


class ConstantGenerators:
    """A generator of direct current per input of every copy."""

    def __init__(self, nodes: Any) -> None:
        self.nodes = nodes

    def feed(self, values: Floats, origin: float) -> None:
        """Set the values (copies, width) that flow from ``origin`` on."""
        self.nodes.set([{"amplitude": value, "start": origin} for value in values.ravel().tolist()])


def constant_generators(
    first: Any, synapses: Synapses, copies: int, delay: float
) -> ConstantGenerators:
    """Generators of constant inputs, connected with the first population."""
    import nest

    width = int(synapses.source.max(initial=-1)) + 1
    nodes = nest.Create("dc_generator", width * copies)
    source, target, weight = _copied(synapses, copies, (width, len(first) // copies))
    _join(nodes[0].global_id + source, first[0].global_id + target, weight, delay)
    return ConstantGenerators(nodes)
