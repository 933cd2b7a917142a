"""NEST: deterministic neurons that equal the engine spike for spike, and the thesis's own ways."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.deploy.nest_setup import NestSetup, counterpart_model, make_setup
from dsqn_fast.deploy.reference_target import refuse_early_decisions
from dsqn_fast.deploy.synapses import count_synapses
from dsqn_fast.deploy.target import Counterpart, Target, TargetOption, TargetRun
from dsqn_fast.deploy.versions import Supported
from dsqn_fast.model.spiking import SpikingModel

MOST_SYNAPSES: Final = 2_000_000
"""More synapses take NEST gigabytes, and minutes to build."""

OPTIONS: Final[Mapping[str, TargetOption]] = MappingProxyType(
    {
        "neuron": TargetOption(
            default="auto",
            choices=("auto", "iaf_psc_delta", "eprop_iaf", "pp_psc_delta", "pp_exact"),
            help="NEST's neuron; pp_exact is pp_psc_delta as an exact integrate-and-fire neuron.",
        ),
        "timing": TargetOption(
            default="auto",
            choices=("auto", "nest", "instant", "spytorch"),
            help="Convention that is computed; auto is the policy's own.",
        ),
        "mode": TargetOption(
            default="exact",
            choices=("exact", "thesis"),
            help="thesis: 0.1 ms, currents from generators, a multimeter, reset to zero.",
        ),
        "resolution": TargetOption(
            default="auto", choices=("auto", "1", "0.5", "0.1"), help="Milliseconds per update."
        ),
        "delay": TargetOption(
            default="auto", choices=("auto", "1", "2"), help="Milliseconds of a synapse."
        ),
        "comparison": TargetOption(
            default="auto", choices=("auto", ">=", ">"), help="How the threshold is compared."
        ),
        "input": TargetOption(
            default="auto",
            choices=("auto", "I_e", "dc_generator"),
            help="Where constant currents come from.",
        ),
        "reading": TargetOption(
            default="auto",
            choices=("auto", "V_m", "multimeter"),
            help="Where the output potentials are read.",
        ),
    }
)


class NestTarget(Target):
    """NEST 3.10, one thread, in one kernel for all decisions."""

    title = "NEST"
    supported = Supported(distribution="nest-simulator", lowest="3.10", below="4")
    modules = ("nest",)
    extra = "nest"
    options = OPTIONS

    def unsupported(self, model: SpikingModel) -> str | None:
        """Bursts, signed spikes, decaying synapses, early decisions, too many synapses."""
        if (reason := refuse_early_decisions(model, self.title)) is not None:
            return reason
        if model.neuron.spikes != "binary":
            return f"NEST's neurons have binary spikes, not {model.neuron.spikes!r} ones"
        if model.neuron.alpha > 0:
            return (
                "NEST runs the policy's synapses as delta pulses (alpha = 0), not with alpha = "
                f"{model.neuron.alpha:g}"
            )
        synapses = count_synapses(model)
        if synapses > MOST_SYNAPSES:
            return (
                f"the policy has {synapses} synapses, but at most {MOST_SYNAPSES} are built in "
                "NEST: use a smaller network"
            )
        return self._unsupported_setup(model, self._setup(model))

    def _unsupported_setup(self, model: SpikingModel, setup: NestSetup) -> str | None:
        if setup.timing == "spytorch":
            if model.neuron.beta < 1 or model.neuron.reset == "zero":
                return (
                    "NEST's neurons reset in the step of the spike, timing 'spytorch' one step "
                    "later: without leak and with reset by subtraction that is the same, "
                    f"otherwise not (beta {model.neuron.beta:g}, reset {model.neuron.reset!r}): "
                    "use --option timing=nest"
                )
            if any((layer.threshold != 1).any() for layer in model.populations[:-1]):
                return "timing 'spytorch' subtracts 1 whatever the threshold, NEST the threshold"
        if setup.neuron == "pp_exact" and (
            setup.timing != "nest" or setup.resolution != 0.5 or setup.dc_generator
        ):
            return "pp_exact needs --option timing=nest, resolution 0.5 ms and no generators"
        return None

    def _setup(self, model: SpikingModel) -> NestSetup:
        return make_setup(model, {name: str(value) for name, value in self.chosen.items()})

    def counterpart(self, model: SpikingModel) -> Counterpart:
        """Timing and leak as NEST has them, in float64."""
        setup = self._setup(model)
        twin = counterpart_model(model, setup)
        words = [f"with timing '{twin.timing}'"]
        if twin.neuron.reset != model.neuron.reset:
            words.append(f"reset '{twin.neuron.reset}' in place of '{model.neuron.reset}'")
        words.append(f"leak {twin.neuron.beta!r}" if twin.neuron.beta < 1 else "no leak")
        return Counterpart(model=twin, words=", ".join([*words, "in float64"]))

    def prepare(self, model: SpikingModel, n_steps: int) -> None:
        """Take the network; it is built for the first batch."""
        from dsqn_fast.deploy.nest_network import NestNetwork

        twin = self.counterpart(model).model
        self._network = NestNetwork(twin, self._setup(model), n_steps)

    def run(
        self,
        observations: NDArray[Any],
        *,
        seed: int,
        decisions: NDArray[np.uint64],
        record: bool,
    ) -> TargetRun:
        """Simulate the decisions, as many at once as fit."""
        return self._network.run(observations, seed=seed, decisions=decisions, record=record)
