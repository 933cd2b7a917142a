"""A spiking policy in PyNN, on its own: needs PyNN, NumPy and a back end, nothing else.

    python SCRIPT nest 0.1,-0.2,0.03,0.4
    python SCRIPT brian2 observations.npy --weights WEIGHTS.npz --json actions.json
    python SCRIPT spinnaker observations.npy

Each observation is a decision: a copy of the network is simulated for T milliseconds, and the
action is the output with the highest potential, or with the most spikes. All copies run at once.

On NEST the neurons are NEST's own iaf_psc_delta (reset to zero) or eprop_iaf (reset by
subtraction). The other back ends have PyNN's IF_curr_delta, which resets to zero and loses the
input that arrives while it fires: expect other spikes there.

One step of the network is 1 ms, one unit of potential 1 mV. Synapses take 1 ms.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import math
import sys
import warnings
from pathlib import Path

import numpy as np

WEIGHTS = "policy.npz"
SILENT = -1e6  # mV: no input lifts a neuron from here to its threshold
UNREACHABLE = 1e6  # mV: threshold of an output that never spikes
STEP = 1.0  # ms
HOLD = 2.0  # ms in which no spike of the decisions before is left
MODULES = {"nest": "pyNN.nest", "brian2": "pyNN.brian2", "spinnaker": "pyNN.spiNNaker"}


# ---- The policy ------------------------------------------------------------------------------


def load(path):
    """The policy's options and one dictionary of arrays per population."""
    with np.load(path, allow_pickle=False) as file:
        options = json.loads(file["options"].tobytes())
        names = ("source", "target", "weight", "bias", "threshold", "start")
        populations = [
            {name: file[f"{name}{k}"] for name in names} for k in range(options["populations"])
        ]
    return options, populations


def constant_currents(first, observations):
    """Current into the first population (B, n): bias plus weighted observation, in order."""
    currents = np.tile(first["bias"], (len(observations), 1))
    for row, values in zip(currents, observations, strict=True):
        used = values[first["source"]] != 0
        source, target = first["source"][used], first["target"][used]
        np.add.at(row, target, values[source] * first["weight"][used])
    return currents


def input_spikes(options, observations, seed):
    """Spikes (B, T, n) of -1, 0 or 1 that stand for the observations."""
    steps, rate = options["n_steps"], np.minimum(np.abs(observations), 1.0)
    if options["encoding"] == "poisson":
        drawn = np.random.default_rng(seed).random((len(rate), steps, rate.shape[1]))
        spikes = drawn < rate[:, np.newaxis]
    else:
        spikes = np.zeros((len(rate), steps, rate.shape[1]), bool)
        for decision, neuron in np.argwhere(rate > 0):
            count = np.arange(1, int(steps * rate[decision, neuron]) + 2)
            when = np.rint(count / rate[decision, neuron]).astype(int)
            spikes[decision, when[when <= steps] - 1, neuron] = True
    return spikes * np.sign(observations).astype(np.int8)[:, np.newaxis]


def choose(options, counts, potentials):
    """Actions (B,) from output spike counts and final potentials."""
    value = potentials
    if options["decoding"] == "count":
        value = counts
        if options["two_output_neurons"]:
            half = counts.shape[1] // 2
            value = counts[:, :half] - counts[:, half:]
    elif options["decoding"] == "count+potential":
        value = counts * options["output_threshold"] + potentials
    return value.argmax(axis=1)


# ---- The network -----------------------------------------------------------------------------


def nest_cell(sim, options, population, copies, fires):
    """NEST's own neuron, its potential out of reach until it is started."""
    model = "iaf_psc_delta" if options["reset"] == "zero" else "eprop_iaf"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of parameters that PyNN has no type for
        kind = sim.native_cell_type(model)
    for unknown in ("ignore_and_spike", "refractory_input"):
        kind.default_parameters.pop(unknown, None)
    kind.receptor_scale = 1e-3  # PyNN takes weights for nA: they are mV
    threshold = population["threshold"] if fires else np.full(len(population["bias"]), UNREACHABLE)
    return kind(
        V_th=np.tile(threshold, copies),
        I_e=np.tile(population["bias"], copies),
        C_m=options["c_m"],
        tau_m=options["tau_m"],
        E_L=0.0,
        t_ref=0.0,
        **({"V_reset": 0.0} if model == "iaf_psc_delta" else {}),
    )


def standard_cell(sim, options, population, copies, fires):
    """PyNN's integrate-and-fire neuron; currents are in nA, so that 1 nA adds 1 mV per ms."""
    threshold = population["threshold"] if fires else np.full(len(population["bias"]), UNREACHABLE)
    return sim.IF_curr_delta(
        v_thresh=np.tile(threshold, copies),
        i_offset=np.tile(population["bias"], copies),
        cm=options["c_m"],
        tau_m=options["tau_m"],
        v_rest=0.0,
        v_reset=0.0,
        tau_refrac=0.0,
    )


def copied(synapses, copies, sizes):
    """(source, target, weight, delay) of every copy of a connection's synapses."""
    shift = np.arange(copies)[:, np.newaxis]
    source = (synapses["source"] + shift * sizes[0]).ravel()
    target = (synapses["target"] + shift * sizes[1]).ravel()
    weight = np.tile(synapses["weight"], copies)
    return np.column_stack([source, target, weight, np.full(len(weight), STEP)])


def connect(sim, before, after, rows):
    """Connect two populations; inhibitory synapses are those with negative weights."""
    for receptor, chosen in (("excitatory", rows[:, 2] > 0), ("inhibitory", rows[:, 2] < 0)):
        if chosen.any():
            connector = sim.FromListConnector(rows[chosen], column_names=["weight", "delay"])
            sim.Projection(before, after, connector, sim.StaticSynapse(), receptor_type=receptor)


class Network:
    """All copies of the policy: built once, for batches of as many decisions."""

    def __init__(self, sim, options, populations, copies):
        self.sim, self.options, self.populations = sim, options, populations
        self.copies, self.on_nest = copies, sim.__name__ == "pyNN.nest"
        self.ran = False
        grid = {"spike_precision": "on_grid"} if self.on_nest else {}
        sim.setup(timestep=STEP, min_delay=STEP, **grid)
        self.cells = [self._population(index) for index in range(len(populations))]
        for index in range(1, len(populations)):
            sizes = [len(populations[k]["bias"]) for k in (index - 1, index)]
            rows = copied(populations[index], copies, sizes)
            connect(sim, self.cells[index - 1], self.cells[index], rows)
        if options["encoding"] != "constant":
            self._add_sources()

    def _population(self, index):
        """One population, all copies of it."""
        population, last = self.populations[index], len(self.populations) - 1
        fires = index < last or self.options["output_fires"]
        cell = nest_cell if self.on_nest else standard_cell
        kind = cell(self.sim, self.options, population, self.copies, fires)
        size = len(population["bias"]) * self.copies
        cells = self.sim.Population(size, kind, label=f"layer{index + 1}")
        if not self.on_nest:
            cells.initialize(v=np.tile(population["start"], self.copies))
        cells.record(["spikes", "v"] if index == last and not self.on_nest else ["spikes"])
        return cells

    def _add_sources(self):
        """Two spike sources per input: of its positive and of its negative spikes."""
        first, width = self.populations[0], self.options["inputs"]
        kind = self.sim.SpikeSourceArray(spike_times=[])
        self.sources = self.sim.Population(2 * width * self.copies, kind)
        for sign in (0, 1):
            source, weight = 2 * first["source"] + sign, (1 - 2 * sign) * first["weight"]
            one = dict(first, source=source, weight=weight)
            rows = copied(one, self.copies, (2 * width, len(first["bias"])))
            connect(self.sim, self.sources, self.cells[0], rows)

    def decide(self, currents=None, spikes=None):
        """Spike trains per population and final output potentials of one batch.

        Args:
            currents: (copies, n) constant currents into the first population, or
            spikes: (copies, T, inputs) spikes of the encoding.
        """
        steps = self.options["n_steps"]
        origin = self._wait()
        if currents is not None:
            name = "I_e" if self.on_nest else "i_offset"
            self.cells[0].set(**{name: currents.ravel()})
        else:
            self._set_spikes(spikes, origin)
        shifts = self._start_one_by_one() if self.on_nest else [0.0] * len(self.cells)
        self.sim.run(steps * STEP)
        potentials = self._potentials().reshape(self.copies, -1)
        if self.on_nest:
            self.sim.run(STEP)  # the recorder hears of the last step's spikes in the next one
        self.ran = True
        trains = [self._train(index, origin + shift, steps) for index, shift in enumerate(shifts)]
        return trains, potentials

    def _wait(self):
        """Time in ms at which the first step of the next batch begins."""
        if not self.on_nest:
            if self.ran:
                self.sim.reset()
            return 0.0
        # NEST cannot go back. PyNN lets its first run take one step more.
        return self.sim.get_current_time() + (HOLD + STEP)

    def _set_spikes(self, spikes, origin):
        """Spikes (copies, T, inputs): one of step t arrives in that step."""
        from pyNN.parameters import Sequence

        signed = np.stack([spikes > 0, spikes < 0], axis=-1)
        trains = signed.transpose(0, 2, 3, 1).reshape(self.sources.size, -1)
        times = [Sequence(origin + STEP * np.flatnonzero(train)) for train in trains]
        self.sources.set(spike_times=times)

    def _start_one_by_one(self):
        """Hold all neurons down until no spike is under way, then start each population.

        With timing "instant" a population starts in the step in which the first spikes can
        reach it.
        """
        for cells in self.cells:
            cells.node_collection.V_m = SILENT
        self.sim.run(HOLD)
        late = self.options["timing"] == "instant"
        for index, (cells, population) in enumerate(zip(self.cells, self.populations, strict=True)):
            if late and index:
                self.sim.run(STEP)
            cells.node_collection.V_m = np.tile(population["start"], self.copies)
        return [index * STEP if late else 0.0 for index in range(len(self.cells))]

    def _train(self, index, origin, steps):
        """Spikes (copies, T, n) of one population."""
        cells, size = self.cells[index], len(self.populations[index]["bias"])
        train = np.zeros((self.copies, steps, size), np.int8)
        trains = cells.get_data("spikes", clear=True).segments[-1].spiketrains
        ids, times = trains.multiplexed
        if not len(ids):
            return train
        place = np.asarray(ids) - int(cells.first_id)
        # A spike has the time at which its step ends in NEST, at which it begins in Brian 2.
        step = np.rint((np.asarray(times) - origin) / STEP).astype(int) - int(self.on_nest)
        inside = (step >= 0) & (step < steps)
        place, step = place[inside], step[inside]
        train[place // size, step, place % size] = 1
        return train

    def _potentials(self):
        if self.on_nest:
            return np.atleast_1d(np.asarray(self.cells[-1].node_collection.V_m, float))
        signal = self.cells[-1].get_data("v", clear=True).segments[-1].analogsignals[0]
        return np.asarray(signal.magnitude)[self.options["n_steps"]]


class Player:
    """A policy on a back end, asked for one batch of decisions after the other."""

    def __init__(self, backend, policy):
        self.sim = importlib.import_module(MODULES[backend])
        if backend == "brian2":  # compiling takes longer than what it saves
            importlib.import_module("brian2").prefs.codegen.target = "numpy"
        self.options, self.populations = policy
        self.network = None

    def decide(self, observations, spikes=None, seed=0):
        """Actions, final potentials and spike trains per population for (B, n) observations."""
        constant, batch = self.options["encoding"] == "constant", len(observations)
        if not constant and spikes is None:
            spikes = input_spikes(self.options, observations, seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of PyNN and Neo, about each other's old names
            if self._must_build(batch):
                self.network = Network(self.sim, self.options, self.populations, batch)
            # Copies without a decision of their own repeat the first one.
            rows = np.zeros(self.network.copies, int)
            rows[:batch] = np.arange(batch)
            if constant:
                currents = constant_currents(self.populations[0], observations)
                trains, potentials = self.network.decide(currents=currents[rows])
            else:
                trains, potentials = self.network.decide(spikes=spikes[rows])
        trains, potentials = [train[:batch] for train in trains], potentials[:batch]
        counts = trains[-1].sum(axis=1, dtype=int)
        return choose(self.options, counts, potentials), potentials, trains

    def _must_build(self, batch):
        if self.network is None or self.network.copies < batch:
            return True
        # Only NEST takes other spike times, or other decisions on hardware, without a new start.
        return self.sim.__name__ != "pyNN.nest" and (
            self.options["encoding"] != "constant" or self.sim.__name__ == "pyNN.spiNNaker"
        )


# ---- The command line ------------------------------------------------------------------------


def read_observations(text, width):
    """Observations (B, n) from a .npy file, or numbers with commas."""
    if Path(text).suffix == ".npy":
        values = np.load(text, allow_pickle=False)
    else:
        values = np.array([float(word) for word in text.split(",")])
    values = np.asarray(values, float).reshape(-1, width)
    if not np.isfinite(values).all():
        raise ValueError("observations must be finite")
    return values


def main():
    """Decide on the observations of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("backend", choices=MODULES)
    parser.add_argument("observations", help="numbers with commas, or a .npy file of (B, n)")
    parser.add_argument("--weights", default=str(Path(__file__).with_name(WEIGHTS)))
    parser.add_argument("--n-steps", type=int, help="time steps T; default: the policy's")
    parser.add_argument("--seed", type=int, default=0, help="of the Poisson encoding")
    parser.add_argument("--json", help="file for the results; default: stdout")
    words = parser.parse_args()
    try:
        policy = load(words.weights)
        observations = read_observations(words.observations, policy[0]["inputs"])
    except (OSError, ValueError, KeyError) as error:
        parser.error(str(error))
    if words.n_steps is not None:
        policy[0]["n_steps"] = words.n_steps
    # Simulators greet on stdout, which is for the results.
    with contextlib.redirect_stdout(sys.stderr):
        player = Player(words.backend, policy)
        actions, potentials, trains = player.decide(observations, seed=words.seed)
    text = json.dumps(
        {
            "actions": actions.tolist(),
            "potentials": [
                [v if math.isfinite(v) else None for v in row] for row in potentials.tolist()
            ],
            "spike_counts": [train.sum(axis=1, dtype=int).tolist() for train in trains],
        }
    )
    if words.json:
        Path(words.json).write_text(text + "\n")
    else:
        print(text)


if __name__ == "__main__":
    main()
