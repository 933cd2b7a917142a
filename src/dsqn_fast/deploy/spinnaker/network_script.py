"""A spiking policy on SpiNNaker, on its own: needs sPyNNaker and NumPy, nothing else.

    python SCRIPT                                    build everything for a virtual board
    python SCRIPT 0.1,-0.2,0.03,0.4 --board HOST     decide on a real one
    python SCRIPT observations.npy --board HOST --json actions.json

A virtual board runs partition, placement, routing and data generation, and simulates nothing.
A decision takes one run: constant currents are set, the network runs for T steps
of 1 ms, and the action is the output with the highest potential, or with the most spikes.
Cells of one neuron (array ``owner``) share its input; each of them spikes once.

What happens on a real board was never measured by those who wrote this.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import importlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

WEIGHTS = "policy.npz"
FOREVER = 60000.0  # ms: a refractory time that no decision outlasts
VERSION = 5  # of the board: 48 chips
CELLS_PER_CORE = 128  # a row of more than 256 synapses to one core does not fit


# ---- The policy ------------------------------------------------------------------------------


def load(path):
    """The policy's options, and one dictionary of arrays per population."""
    with np.load(path, allow_pickle=False) as file:
        options = json.loads(file["options"].tobytes())
        names = ("owner", "threshold", "v_init", "bias", "scale", "source", "target", "weight")
        populations = [
            {name: file[f"{name}{k}"] for name in names} for k in range(options["populations"])
        ]
    return options, populations


def constant_currents(first, observation):
    """Currents (n_cells,) in nA that an observation (n,) causes, bias included."""
    current = first["bias"].copy()
    np.add.at(current, first["target"], observation[first["source"]] * first["weight"])
    return current


def choose(options, counts, potentials):
    """The action, from output spike counts and final potentials (n_out,)."""
    value = potentials
    if options["decoding"] == "count":
        value = counts
        if options["two_output_neurons"]:
            half = len(counts) // 2
            value = counts[:half] - counts[half:]
    elif options["decoding"] == "count+potential":
        value = counts * np.asarray(options["output_threshold"]) + potentials
    return int(np.argmax(value))


# ---- The network -----------------------------------------------------------------------------


class Network:
    """The policy as populations and projections of sPyNNaker."""

    def __init__(self, sim, options, populations):
        self.sim, self.options, self.populations = sim, options, populations
        sim.setup(timestep=1.0, min_delay=1.0)
        sim.set_number_of_neurons_per_core(sim.IF_curr_delta, CELLS_PER_CORE)
        self.cells = [self._population(index) for index in range(len(populations))]
        for index in range(1, len(populations)):
            one = populations[index]
            self._connect(self.cells[index - 1], index, one["source"], one["weight"])

    def _population(self, index):
        sim, one, options = self.sim, self.populations[index], self.options
        kind = sim.IF_curr_delta(
            tau_m=options["tau_m"],
            cm=options["cm"],
            v_rest=0.0,
            v_reset=0.0,
            v_thresh=one["threshold"],
            tau_refrac=FOREVER if options["once"][index] else 0.0,
            i_offset=one["bias"],
        )
        extra = {}
        if options["sums"][index] is not None:
            extra = {"max_expected_summed_weight": options["sums"][index]}
        cells = sim.Population(
            len(one["owner"]), kind, label=f"layer{index + 1}", additional_parameters=extra
        )
        cells.initialize(v=one["v_init"])
        last = index == len(self.populations) - 1
        cells.record(["spikes", "v"] if last else ["spikes"])
        return cells

    def _connect(self, before, index, source, weight):
        """Excitatory synapses are those with positive weights."""
        target = self.populations[index]["target"]
        for receptor, chosen in (("excitatory", weight > 0), ("inhibitory", weight < 0)):
            if not chosen.any():
                continue
            ones = np.ones(int(chosen.sum()))
            rows = np.column_stack([source[chosen], target[chosen], weight[chosen], ones])
            # By source and target: sPyNNaker 7.4.1 counts rows that are sorted.
            rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
            self.sim.Projection(
                before,
                self.cells[index],
                self.sim.FromListConnector(rows, column_names=["weight", "delay"]),
                receptor_type=receptor,
            )

    def run(self, observation):
        """Spikes (T, n) of every population and final output potentials; None if virtual."""
        self.cells[0].set(i_offset=constant_currents(self.populations[0], observation))
        steps = self.options["n_steps"]
        self.sim.run(steps + 1)  # potentials are recorded at the beginning of a tick
        signal = self._data(self.cells[-1], "v").analogsignals[0]
        if len(signal) <= steps:
            return None
        trains = [
            self._train(cells, one) for cells, one in zip(self.cells, self.populations, strict=True)
        ]
        return trains, self._potentials(np.asarray(signal.magnitude)[steps], trains[-1].sum(axis=0))

    def _data(self, cells, what):
        return cells.get_data(what).segments[-1]

    def _train(self, cells, one):
        """Spikes (T, n) of the neurons of one population."""
        steps = self.options["n_steps"]
        train = np.zeros((steps, int(one["owner"][-1]) + 1), np.int8)
        for neuron, times in zip(
            one["owner"], self._data(cells, "spikes").spiketrains, strict=True
        ):
            step = np.rint(np.asarray(times.magnitude)).astype(int)
            np.add.at(train, (step[step < steps], neuron), 1)
        return train

    def _potentials(self, v, counts):
        """Of the last cell of every neuron, in units of the network."""
        output = self.populations[-1]
        last = np.searchsorted(output["owner"], np.arange(len(counts)), side="right") - 1
        potentials = v[last] / output["scale"][last]
        if self.options["once"][-1]:
            potentials = potentials - counts * np.asarray(self.options["output_threshold"])
        return potentials


def configure(board):
    """Make a folder with the configuration that sPyNNaker reads the working folder and home."""
    folder = tempfile.mkdtemp(prefix="spynnaker-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # sPyNNaker writes to the end
    where = f"machine_name = {board}" if board else "virtual_board = True"
    text = f"[Machine]\nversion = {VERSION}\n{where}\n"
    text += "[Reports]\nkeep_dataspec_database = True\n"
    Path(folder, ".spynnaker.cfg").write_text(text)
    os.environ["HOME"] = folder
    os.chdir(folder)


def decide(policy, observations, board=None, inspect=None):
    """Per observation (spikes of every population, final potentials); None if virtual."""
    results = []
    before = Path.cwd()
    configure(board)
    try:
        sim = importlib.import_module("pyNN.spiNNaker")
        network = Network(sim, *policy)
        for number, observation in enumerate(observations):
            if number:
                sim.reset()
            results.append(network.run(observation))
        if inspect is not None:
            inspect(network)
        sim.end()
    finally:
        os.chdir(before)
    return results


def described(options, result):
    """A decision as JSON values."""
    if result is None:
        return None
    trains, potentials = result
    counts = [train.sum(axis=0, dtype=int) for train in trains]
    return {
        "action": choose(options, counts[-1], potentials),
        "potentials": potentials.tolist(),
        "spike_counts": [one.tolist() for one in counts],
    }


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
    parser.add_argument("observations", nargs="?", help="numbers with commas, or a .npy file")
    parser.add_argument("--weights", default=str(Path(__file__).with_name(WEIGHTS)))
    parser.add_argument("--board", help="host name of a board; default: a virtual one")
    parser.add_argument("--n-steps", type=int, help="time steps T; default: the policy's")
    parser.add_argument("--json", help="file for the results; default: stdout")
    words = parser.parse_args()
    try:
        policy = load(words.weights)
        width = policy[0]["inputs"]
        observations = np.zeros((1, width))
        if words.observations is not None:
            observations = read_observations(words.observations, width)
    except (OSError, ValueError, KeyError) as error:
        parser.error(str(error))
    if words.n_steps is not None:
        policy[0]["n_steps"] = words.n_steps
    with contextlib.redirect_stdout(sys.stderr):  # sPyNNaker greets on stdout
        results = decide(policy, observations, board=words.board)
    if words.board is None:
        print("virtual board: built, placed and routed; nothing was simulated", file=sys.stderr)
    decisions = [described(policy[0], result) for result in results]
    text = json.dumps({"board": words.board, "decisions": decisions})
    if words.json:
        Path(words.json).write_text(text + "\n")
    else:
        print(text)


if __name__ == "__main__":
    main()
