"""A policy as a network in NEST's kernel, and its decisions one after the other.

Between decisions nothing is rebuilt: inputs are set, all potentials are hidden far below the
threshold while the spikes under way arrive, and then set to their start. Several decisions run at
once as copies of the network that have no synapses in common.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.connectivity import constant_current
from dsqn_fast.deploy.nest_cells import (
    connect,
    constant_generators,
    hidden_parameters,
    output_parameters,
    set_adaptation,
    set_each,
    spike_sources,
)
from dsqn_fast.deploy.nest_setup import NestSetup
from dsqn_fast.deploy.nest_spikes import SpikeReader
from dsqn_fast.deploy.synapses import population_neurons, population_synapses
from dsqn_fast.deploy.target import TargetRun
from dsqn_fast.encodings import encode
from dsqn_fast.engine_layers import pooled_input
from dsqn_fast.model.forward import flattened
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.run_options import expand_output_neurons

Floats = NDArray[np.float64]
SILENT: Final = -1e9
"""Hidden potential in mV at which no spike of the decision before can matter."""
MOST_COPIES: Final = 64
"""Decisions at once."""
MOST_NODES: Final = 50_000
MOST_SYNAPSES: Final = 500_000
"""Neurons and synapses of all copies, unless one copy has more."""


class NestNetwork:
    """A policy in NEST.

    Args:
        model: The policy as NEST runs it.
        setup: How.
        n_steps: T.
    """

    def __init__(self, model: SpikingModel, setup: NestSetup, n_steps: int) -> None:
        self._model = expand_output_neurons(model)
        self._setup, self._steps = setup, setup.steps(n_steps)
        self._neurons = population_neurons(self._model)
        self._synapses = population_synapses(self._model)
        self._spiking_output = model.decoding != "potential"
        size = sum(one.bias.size for one in self._neurons)
        edges = sum(len(one.source) for one in self._synapses)
        self._limit = max(1, min(MOST_COPIES, MOST_NODES // size, MOST_SYNAPSES // edges))
        self._copies = 0

    def run(
        self, observations: Floats, *, seed: int, decisions: NDArray[np.uint64], record: bool
    ) -> TargetRun:
        """Decide; see `Target.run`."""
        batch = len(observations)
        sizes = [one.bias.size for one in self._neurons]
        reader = SpikeReader(batch, sizes, self._steps, record)
        potentials = np.zeros((batch, sizes[-1]))
        copies = min(self._limit, batch)
        for first in range(0, batch, copies):
            rows = slice(first, min(first + copies, batch))
            if self._setup.rebuilt or self._copies < copies:
                self._build(copies, seed + first)
            potentials[rows] = self._decide(
                observations[rows], seed, decisions[rows], reader, first
            )
        return TargetRun(
            potentials=potentials, spike_counts=reader.counts(), spikes=reader.trains()
        )

    def _build(self, copies: int, seed: int) -> None:
        """A fresh kernel with ``copies`` copies of the network."""
        import nest

        setup = self._setup
        nest.ResetKernel()
        nest.verbosity = nest.VerbosityLevel.ERROR
        nest.resolution = setup.resolution
        nest.local_num_threads = 1
        nest.rng_seed = 1 + seed % (2**31)
        self._copies, self._nodes = copies, []
        last = len(self._neurons) - 1
        for index, neurons in enumerate(self._neurons):
            if index == last and not self._spiking_output:
                kind, parameters = output_parameters(setup)
            else:
                kind, parameters = hidden_parameters(setup, np.tile(neurons.threshold, copies))
            nodes = nest.Create(kind, neurons.bias.size * copies, parameters)
            if setup.adaptive and kind == "pp_psc_delta":
                set_adaptation(nodes, np.tile(neurons.threshold, copies))
            elif setup.neuron != "pp_exact":
                nodes.I_e = np.tile(neurons.bias, copies)
            self._nodes.append(nodes)
        self._connect()
        self._recorder = nest.Create("spike_recorder")
        for nodes in self._nodes if self._spiking_output else self._nodes[:-1]:
            nest.Connect(nodes, self._recorder, syn_spec={"delay": setup.resolution})
        self._meter = None
        if setup.multimeter:
            self._meter = nest.Create("multimeter", {"record_from": ["V_m"], "interval": 1.0})
            nest.Connect(self._meter, self._nodes[-1])

    def _connect(self) -> None:
        """Synapses between the populations, and the sources of input."""
        for index in range(1, len(self._nodes)):
            before, after = self._nodes[index - 1], self._nodes[index]
            connect(before, after, self._synapses[index], self._copies, self._setup.delay)
        encoded = self._model.encoding != "constant"
        if encoded:
            self._sources = spike_sources(self._nodes[0], self._synapses[0], self._copies)
        elif self._setup.dc_generator:
            self._generators = constant_generators(
                self._nodes[0], self._synapses[0], self._copies, self._setup.delay
            )

    def _decide(
        self,
        observations: Floats,
        seed: int,
        decisions: NDArray[np.uint64],
        reader: SpikeReader,
        first: int,
    ) -> Floats:
        """Final output potentials of at most as many decisions as there are copies."""
        import nest

        count, setup = len(observations), self._setup
        origin = nest.biological_time + setup.delay
        self._feed(observations, seed, decisions, origin)
        for nodes in self._nodes:
            nodes.set([{"V_m": SILENT}])
        self._recorder.n_events = 0
        nest.Simulate(setup.delay)
        late = len(self._nodes) - 1 if setup.timing == "instant" else 0
        self._start(0)
        for index in range(1, len(self._nodes)):
            if late:
                nest.Simulate(1.0)
            self._start(index)
        nest.Simulate(float(self._steps))
        self._read(reader, origin, first, count, staggered=late > 0)
        found = self._outputs(origin)
        return found.reshape(self._copies, -1)[:count]

    def _start(self, index: int) -> None:
        """Put a population to its start."""
        neurons = self._neurons[index]
        start = neurons.start
        hidden = index < len(self._nodes) - 1 or self._spiking_output
        if hidden and self._setup.neuron == "pp_exact":
            start = start - neurons.threshold
        set_each(self._nodes[index], "V_m", np.tile(start, self._copies))

    def _feed(
        self, observations: Floats, seed: int, decisions: NDArray[np.uint64], origin: float
    ) -> None:
        """Set the inputs of every copy; copies without a decision get those of the first."""
        rows = np.zeros(self._copies, int)
        rows[: len(observations)] = np.arange(len(observations))
        model = self._model
        if model.encoding != "constant":
            flat = flattened(observations)
            spikes = encode(model.encoding, flat, self._steps, seed=seed, decisions=decisions)
            self._sources.feed(spikes[rows], origin)
            return
        values = observations
        if self._setup.dc_generator:
            self._generators.feed(flattened(values)[rows], origin)
            return
        first = model.populations[0].connection
        current = flattened(constant_current(first, self._before_first(values)))[rows]
        if self._setup.neuron == "pp_exact":
            self._feed_pulses(current, origin)
        else:
            set_each(self._nodes[0], "I_e", current.ravel())

    def _before_first(self, values: Floats) -> Floats:
        """Observations after the pooling before the first population."""
        pooled: Floats = pooled_input(self._model, values).astype(np.float64, copy=False)
        shape = self._model.shapes()[self._model.layers.index(self._model.populations[0])]
        return pooled.reshape(len(values), *shape)

    def _feed_pulses(self, current: Floats, origin: float) -> None:
        """Currents and biases as spikes at every whole millisecond."""
        import nest

        times = origin + np.arange(self._steps, dtype=np.float64)
        source = nest.Create("spike_generator", {"spike_times": times})
        for index, nodes in enumerate(self._nodes):
            bias = np.tile(self._neurons[index].bias, self._copies)
            weight = current.ravel() if index == 0 else bias
            ids = np.full(len(nodes), source.global_id)
            delays = np.ones(len(nodes))
            spec = {"weight": weight, "delay": delays}
            nest.Connect(ids, np.array(nodes.tolist()), "one_to_one", spec)

    def _read(
        self, reader: SpikeReader, origin: float, first: int, count: int, *, staggered: bool
    ) -> None:
        events = self._recorder.get("events")
        for index, nodes in enumerate(self._nodes):
            shift = float(index) if staggered else 0.0
            reader.add(events, nodes, index, origin=origin + shift, first=first, count=count)

    def _outputs(self, origin: float) -> Floats:
        """Final potentials of the output population of all copies."""
        nodes = self._nodes[-1]
        if self._meter is None:
            return np.atleast_1d(np.asarray(nodes.V_m, np.float64))
        events = self._meter.get("events")
        last = events["times"] == events["times"].max()
        found = np.zeros(len(nodes))
        found[events["senders"][last] - nodes[0].global_id] = events["V_m"][last]
        return found
