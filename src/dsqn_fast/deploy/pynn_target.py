"""PyNN's back ends: what runs and is verified is the script that `export pynn` writes."""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.deploy.nest_setup import leak_of
from dsqn_fast.deploy.pynn_export import TIMING, refuse, retimed, script_text, weights_file
from dsqn_fast.deploy.target import Counterpart, Target, TargetRun
from dsqn_fast.deploy.versions import Supported
from dsqn_fast.encodings import encode
from dsqn_fast.model.forward import flattened
from dsqn_fast.model.options import Neuron
from dsqn_fast.model.spiking import SpikingModel

MOST_CELLS = 20_000
"""Neurons of all copies that are built at once, unless one copy has more."""


class PynnTarget(Target):
    """A back end of PyNN 0.13."""

    backend: ClassVar[str]
    supported = Supported(distribution="PyNN", lowest="0.13", below="0.14")
    extra = "pynn"
    options = MappingProxyType({"timing": TIMING})

    def unsupported(self, model: SpikingModel) -> str | None:
        """What no PyNN script can run."""
        return refuse(self._retimed(model))

    def _retimed(self, model: SpikingModel) -> SpikingModel:
        return retimed(model, self.chosen["timing"])

    def prepare(self, model: SpikingModel, n_steps: int) -> None:
        """Write the script and its weights, and load them as anyone would."""
        self._model = self.counterpart(model).model
        self._n_steps = n_steps
        with tempfile.TemporaryDirectory() as folder:
            script, weights = Path(folder) / "policy.py", Path(folder) / "policy.npz"
            script.write_text(script_text(weights.name), encoding="utf-8")
            weights.write_bytes(weights_file(self._retimed(model), n_steps))
            spec = importlib.util.spec_from_file_location("exported_policy", script)
            assert spec is not None
            assert spec.loader is not None
            self._script = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(self._script)
            self._policy = self._script.load(weights)
        self._player: Any = None

    def run(
        self,
        observations: NDArray[Any],
        *,
        seed: int,
        decisions: NDArray[np.uint64],
        record: bool,
    ) -> TargetRun:
        """Run the script's functions on the observations, a copy of the network for each."""
        flat = flattened(observations)
        spikes = None
        if self._model.encoding != "constant":
            spikes = encode(
                self._model.encoding, flat, self._n_steps, seed=seed, decisions=decisions
            )
        if self._player is None:
            self._player = self._script.Player(self.backend, self._policy)
        cells = sum(len(one["bias"]) for one in self._policy[1])
        size = max(1, MOST_CELLS // cells)
        parts = []
        for first in range(0, len(flat), size):
            rows = slice(first, first + size)
            fed = None if spikes is None else spikes[rows]
            parts.append(self._player.decide(flat[rows], fed))
        trains = [np.concatenate(same) for same in zip(*(part[2] for part in parts), strict=True)]
        return TargetRun(
            potentials=np.concatenate([part[1] for part in parts]),
            spike_counts=tuple(train.sum(axis=1, dtype=np.int32) for train in trains),
            spikes=dict(enumerate(trains)) if record else {},
        )


class PynnNest(PynnTarget):
    """NEST's own neurons, through PyNN."""

    title = "pyNN.nest"
    backend = "nest"
    modules = ("pyNN.nest",)

    def counterpart(self, model: SpikingModel) -> Counterpart:
        """The policy itself, with NEST's leak."""
        model, leak = self._retimed(model), leak_of(model.neuron.beta)
        neuron = Neuron(beta=leak.beta, reset=model.neuron.reset)
        return Counterpart(
            model=model.replace(neuron=neuron, early_exit=None),
            words=f"with timing {model.timing!r}, leak {leak.beta!r}, in float64",
        )


class PynnBrian2(PynnTarget):
    """PyNN's standard neuron on Brian 2."""

    title = "pyNN.brian2"
    backend = "brian2"
    modules = ("pyNN.brian2",)

    def counterpart(self, model: SpikingModel) -> Counterpart:
        """The nearest that the engine has: a delay of one step, reset to zero.

        Brian 2 integrates, tests v > threshold, adds what synapses bring, and then resets: a
        spike is felt by the threshold one step later, and input that arrives while a neuron
        fires is lost.
        """
        neuron = Neuron(beta=leak_of(model.neuron.beta).beta, reset="zero")
        return Counterpart(
            model=model.replace(neuron=neuron, timing="nest", early_exit=None),
            words="with timing 'nest' and reset 'zero' in float64, the nearest to Brian 2's order "
            "(integrate, test, add input, reset)",
        )
