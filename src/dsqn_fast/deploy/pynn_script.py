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
    """All copies of the policy, built for one batch of decisions."""

    def __init__(self, sim, options, populations, copies, spikes=None):
        self.sim, self.options, self.populations = sim, options, populations
        self.copies, self.on_nest = copies, sim.__name__ == "pyNN.nest"
        self.origin = 3 * STEP if self.on_nest else 0.0  # ms, when the first step begins
        sim.setup(
            timestep=STEP,
            min_delay=STEP,
            **({"spike_precision": "on_grid"} if self.on_nest else {}),
        )
        cell = nest_cell if self.on_nest else standard_cell
        self.cells = []
        for index, population in enumerate(populations):
            fires = index < len(populations) - 1 or options["output_fires"]
            kind = cell(sim, options, population, copies, fires)
            cells = sim.Population(
                len(population["bias"]) * copies, kind, label=f"layer{index + 1}"
            )
            if not self.on_nest:
                cells.initialize(v=np.tile(population["start"], copies))
                cells.record(["spikes", "v"] if index == len(populations) - 1 else ["spikes"])
            else:
                cells.record(["spikes"])
            self.cells.append(cells)
        for index in range(1, len(populations)):
            sizes = [len(populations[k]["bias"]) for k in (index - 1, index)]
            rows = copied(populations[index], copies, sizes)
            connect(sim, self.cells[index - 1], self.cells[index], rows)
        if spikes is not None:
            self._connect_inputs(spikes)

    def set_currents(self, currents):
        """Constant currents (copies, n) into the first population."""
        name = "I_e" if self.on_nest else "i_offset"
        self.cells[0].set(**{name: currents.ravel()})

    def _connect_inputs(self, spikes):
        """Two spike sources per input, of its positive and of its negative spikes."""
        from pyNN.parameters import Sequence

        width, first = spikes.shape[2], self.populations[0]
        signed = np.stack([spikes > 0, spikes < 0], axis=-1)
        trains = signed.transpose(0, 2, 3, 1).reshape(2 * width * self.copies, -1)
        times = [Sequence(self.origin + STEP * np.flatnonzero(train)) for train in trains]
        sources = self.sim.Population(len(times), self.sim.SpikeSourceArray(spike_times=times))
        for sign in (0, 1):
            one = dict(
                first, source=2 * first["source"] + sign, weight=(1 - 2 * sign) * first["weight"]
            )
            rows = copied(one, self.copies, (2 * width, len(first["bias"])))
            connect(self.sim, sources, self.cells[0], rows)

    def run(self):
        """Simulate; returns spike trains per population and the final output potentials."""
        steps = self.options["n_steps"]
        shifts = [0] * len(self.cells)
        if self.on_nest:
            shifts = self._start_one_by_one()
        self.sim.run(steps * STEP)
        potentials = self._potentials().reshape(self.copies, -1)
        if self.on_nest:
            self.sim.run(STEP)  # the recorder hears of the last step's spikes in the next one
        trains = [
            self._train(cells, len(population["bias"]), self.origin + shift, steps)
            for cells, population, shift in zip(self.cells, self.populations, shifts, strict=True)
        ]
        self.sim.end()
        return trains, potentials

    def _start_one_by_one(self):
        """Hold all neurons down, then let each population start in its first step.

        With timing "instant" that is the step in which the first spikes can reach it.
        """
        for cells in self.cells:
            cells.node_collection.V_m = SILENT
        self.sim.run(self.origin - STEP)  # PyNN lets NEST's first run take a step more
        late = self.options["timing"] == "instant"
        for index, (cells, population) in enumerate(zip(self.cells, self.populations, strict=True)):
            if late and index:
                self.sim.run(STEP)
            cells.node_collection.V_m = np.tile(population["start"], self.copies)
        return [index * STEP if late else 0.0 for index in range(len(self.cells))]

    def _train(self, cells, size, origin, steps):
        """Spikes (copies, T, n) of one population."""
        train = np.zeros((self.copies, steps, size), np.int8)
        trains = cells.get_data("spikes", clear=False).segments[0].spiketrains
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
        signal = self.cells[-1].get_data("v", clear=False).segments[0].analogsignals[0]
        return np.asarray(signal.magnitude)[self.options["n_steps"]]


def decide(backend, policy, observations, spikes=None, seed=0):
    """Decisions on observations (B, n): actions, potentials, spike trains per population."""
    options, populations = policy
    sim = importlib.import_module(MODULES[backend])
    if backend == "brian2":  # compiling takes longer than what it saves
        importlib.import_module("brian2").prefs.codegen.target = "numpy"
    constant = options["encoding"] == "constant"
    if not constant and spikes is None:
        spikes = input_spikes(options, observations, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyNN and Neo, about each other's old names
        network = Network(sim, options, populations, len(observations), spikes)
        if constant:
            network.set_currents(constant_currents(populations[0], observations))
        trains, potentials = network.run()
    counts = trains[-1].sum(axis=1, dtype=int)
    return choose(options, counts, potentials), potentials, trains


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
        actions, potentials, trains = decide(words.backend, policy, observations, seed=words.seed)
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
