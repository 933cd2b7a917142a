"""A NIR file as a target: what is written, read again and run, here or in SpikingJelly."""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.deploy.nir_export import nir_bytes
from dsqn_fast.deploy.reference_target import refuse_early_decisions
from dsqn_fast.deploy.target import Counterpart, Target, TargetOption, TargetRun
from dsqn_fast.deploy.versions import Supported
from dsqn_fast.encodings import encode
from dsqn_fast.importers.nir_layout import NEURONS
from dsqn_fast.importers.nir_neurons import DT
from dsqn_fast.importers.nir_policy import load_nir
from dsqn_fast.model.forward import flattened
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.run_options import expand_output_neurons


class NirTarget(Target):
    """The policy after a round trip through a NIR file."""

    title = "NIR"
    supported = Supported(distribution="nir", lowest="1.0.7", below="2")
    modules = ("nir",)
    extra = "nir"
    options: ClassVar = MappingProxyType(
        {
            "framework": TargetOption(
                default="engine",
                choices=("engine", "spikingjelly"),
                help="what runs the file that was read again",
            )
        }
    )

    @property
    def _foreign(self) -> bool:
        return self.word("framework") == "spikingjelly"

    def missing(self) -> str | None:
        """What is not installed, in one line, or None."""
        if (reason := super().missing()) is not None or not self._foreign:
            return reason
        return Supported(distribution="spikingjelly", lowest="2", below="3").problem()

    def unsupported(self, model: SpikingModel) -> str | None:
        """In SpikingJelly: other spikes than 0 and 1, and thresholds that differ in a layer."""
        if (reason := refuse_early_decisions(model, self.title)) is not None or not self._foreign:
            return reason
        if model.neuron.spikes != "binary":
            return f"SpikingJelly's neurons have binary spikes, not {model.neuron.spikes!r} ones"
        if model.neuron.alpha or model.neuron.beta < 1.0:
            return (
                "SpikingJelly is compared with integrate-and-fire neurons alone, and this policy "
                f"has alpha = {model.neuron.alpha:g}, beta = {model.neuron.beta:g}"
            )
        for index, layer in enumerate(model.populations, 1):
            if len(np.unique(layer.threshold)) > 1:
                return (
                    f"SpikingJelly has one threshold per layer, and population {index} has "
                    f"{len(np.unique(layer.threshold))}"
                )
        return None

    def counterpart(self, model: SpikingModel) -> Counterpart:
        """The policy itself in float64; in SpikingJelly in float32, timing ``instant``."""
        if not self._foreign:
            return Counterpart(model=model, words="in float64")
        instant = model.replace(timing="instant")
        words = "with timing 'instant', in float32"
        return Counterpart(model=instant, precision="float32", words=words)

    def prepare(self, model: SpikingModel, n_steps: int) -> None:
        """Write the policy as a NIR file and read it."""
        plain = expand_output_neurons(model).replace(channels_first=False)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "policy.nir"
            file.write_bytes(nir_bytes(plain))
            self._model, self._n_steps = load_nir(file), n_steps
            self._network = _SpikingJelly(file, self._model) if self._foreign else None

    def run(
        self,
        observations: NDArray[Any],
        *,
        seed: int,
        decisions: NDArray[np.uint64],
        record: bool,
    ) -> TargetRun:
        """Decide."""
        if self._network is not None:
            inputs = self._inputs(observations, seed, decisions)
            spikes, potentials = self._network.run(inputs)
        else:
            from dsqn_fast.engine import Engine

            timed = self._model.replace(n_steps=self._n_steps)
            result = Engine(timed, precision="float64").run(
                observations, seed=seed, decisions=decisions, record="all"
            )
            last = len(self._model.populations) - 1
            spikes = dict(result.spikes)
            potentials = result.potentials[last][:, -1].astype(np.float64)
        return TargetRun(
            potentials=potentials,
            spike_counts=tuple(one.sum(axis=1, dtype=np.int32) for one in spikes.values()),
            spikes=spikes if record else {},
        )

    def _inputs(
        self, observations: NDArray[Any], seed: int, decisions: NDArray[np.uint64]
    ) -> list[NDArray[np.float32]]:
        """One batch of inputs per step, channels first."""
        steps, encoding = self._n_steps, self._model.encoding
        if encoding == "constant":
            batches = [observations] * steps
        else:
            flat = flattened(observations)
            encoded = encode(encoding, flat, steps, seed=seed, decisions=decisions)
            batches = [encoded[:, step].reshape(observations.shape) for step in range(steps)]
        return [
            np.moveaxis(batch, -1, 1).astype(np.float32)
            if batch.ndim == 4
            else batch.astype(np.float32)
            for batch in batches
        ]


class _SpikingJelly:
    """A NIR file in SpikingJelly, with the reset and start potentials that NIR cannot carry."""

    def __init__(self, file: Path, model: SpikingModel) -> None:
        nir: Any = importlib.import_module("nir")
        exchange: Any = importlib.import_module("spikingjelly.activation_based.nir_exchange")
        self._torch: Any = importlib.import_module("torch")
        self._model, self._fires = model, model.decoding != "potential"
        graph = nir.read(file, type_check=False)
        self._names = [name for name in graph.nodes if name.endswith(NEURONS)]
        if not self._fires:  # it has no integrator: its sums are added up here
            integrator = self._names[-1]
            del graph.nodes[integrator]
            edges = [(a, "output" if b == integrator else b) for a, b in graph.edges]
            graph.edges = [(a, b) for a, b in edges if a != integrator]
        self._net = exchange.import_from_nir(graph, dt=DT)
        self._now: dict[str, NDArray[Any]] = {}
        for name in self._names if self._fires else self._names[:-1]:
            module = getattr(self._net, name)
            if model.neuron.reset == "subtraction":
                module.module.v_reset = None
            module.register_forward_hook(self._watcher(name))

    def _watcher(self, name: str) -> Any:
        def watch(module: Any, arguments: Any, output: Any) -> None:
            spikes = output[0].detach().numpy()
            if spikes.ndim == 4:
                spikes = np.moveaxis(spikes, 1, -1)
            self._now[name] = flattened(spikes)

        return watch

    def run(
        self, inputs: list[NDArray[np.float32]]
    ) -> tuple[dict[int, NDArray[np.int8]], NDArray[np.float64]]:
        """Spikes (B, T, n_l) of every population, and final output potentials (B, n_out)."""
        batch, output = len(inputs[0]), self._model.populations[-1]
        state = self._start(batch)
        trains: list[list[NDArray[np.int8]]] = [[] for _ in self._names]
        start = output.initial_potential.astype(np.float32)
        integral = np.broadcast_to(start, (batch, self._model.n_outputs)).copy()
        with self._torch.no_grad():
            for values in inputs:
                out, state = self._net(self._torch.from_numpy(values), state)
                last = out.numpy()
                if not self._fires:
                    integral = integral + last
                    self._now[self._names[-1]] = np.zeros_like(last)
                for train, name in zip(trains, self._names, strict=True):
                    train.append(self._now[name].astype(np.int8))
        if self._fires:
            integral = flattened(state[self._names[-1]][0].numpy())
        spikes = {index: np.stack(train, axis=1) for index, train in enumerate(trains)}
        return spikes, integral.astype(np.float64)

    def _start(self, batch: int) -> dict[str, Any]:
        """States of all nodes, potentials at their start."""
        state: dict[str, Any] = dict.fromkeys(["input", "output"])
        shapes = self._model.shapes()[1:]
        for index, (layer, shape) in enumerate(zip(self._model.layers, shapes, strict=True)):
            state[f"layer{index}"] = None
            if not hasattr(layer, "initial_potential"):
                continue
            start = np.broadcast_to(layer.initial_potential, (batch, *shape)).astype(np.float32)
            if len(shape) == 3:
                start = np.moveaxis(start, -1, 1)
            tensor = self._torch.from_numpy(np.ascontiguousarray(start))
            state[f"layer{index}{NEURONS}"] = (tensor,)
        if not self._fires:
            del state[self._names[-1]]
        return state
