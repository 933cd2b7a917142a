"""How a policy is set up in NEST: neurons, leak, timing, and what the thesis did otherwise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from dsqn_fast.model.options import Neuron, Timing
from dsqn_fast.model.spiking import SpikingModel

TAU_EXACT: Final = 2.0**33
"""Time constant in ms at which NEST's propagator of the current is exactly 1."""
TAU_THESIS: Final = 1e10
"""Time constant in ms of Hahn 2020, in place of no leak."""
UNREACHABLE: Final = 1e300
"""Threshold in mV of an output that never spikes."""

Model = Literal["iaf_psc_delta", "eprop_iaf", "pp_psc_delta", "pp_exact"]


@dataclass(frozen=True, kw_only=True)
class Leak:
    """Time constant and capacity of a neuron, and what NEST makes of them in one step of 1 ms.

    Attributes:
        tau_m: In ms.
        c_m: In pF.
        beta: Factor by which the potential decays in 1 ms, exp(-1 / tau_m).
    """

    tau_m: float
    c_m: float
    beta: float


def leak_of(beta: float) -> Leak:
    """The leak closest to ``beta`` at which a current of 1 pA adds exactly 1 mV per ms.

    NEST multiplies the current with (1 / C_m) * (1 - P33) * tau_m (iaf_psc_delta) or
    tau_m / C_m * (1 - P33) (eprop_iaf), P33 = exp(-1 / tau_m): both are to be 1 when rounded. No
    leak at all is not to be had: beta = 1 becomes exp(-2**-33).
    """
    if beta == 1.0:
        return Leak(tau_m=TAU_EXACT, c_m=1.0, beta=math.exp(-1.0 / TAU_EXACT))
    first = -1.0 / math.log(beta)
    for shift in range(200):
        tau = first * (1.0 + shift * 2.0**-52)
        kept = math.exp(-1.0 / tau)
        capacity = tau * (1.0 - kept)
        for c_m in (capacity, math.nextafter(capacity, 0), math.nextafter(capacity, math.inf)):
            if (1.0 / c_m) * (1.0 - kept) * tau == 1.0 == tau / c_m * (1.0 - kept):
                return Leak(tau_m=tau, c_m=c_m, beta=kept)
    kept = math.exp(-1.0 / first)
    return Leak(tau_m=first, c_m=first * (1.0 - kept), beta=kept)


@dataclass(frozen=True, kw_only=True)
class NestSetup:
    """Everything about a network in NEST that is not the policy's.

    Attributes:
        neuron: NEST's model of the hidden neurons; ``pp_exact`` is pp_psc_delta set so that it
            is an exact integrate-and-fire neuron.
        timing: Which convention is computed: ``nest`` (every layer one step after the one
            before), ``instant`` (the same, but each layer starts when the first spikes can
            reach it) or ``spytorch`` (two steps, one step less in all).
        leak: Time constant and capacity.
        resolution: Of the simulation, in ms.
        delay: Of synapses, in ms.
        strict: Whether a neuron fires above its threshold only.
        dc_generator: Whether constant inputs come from generators, not as ``I_e``.
        multimeter: Whether the outputs are the last sample of a multimeter.
    """

    neuron: Model
    timing: Timing
    leak: Leak
    resolution: float = 1.0
    delay: float = 1.0
    strict: bool = False
    dc_generator: bool = False
    multimeter: bool = False

    def steps(self, n_steps: int) -> int:
        """Milliseconds that each layer is simulated for."""
        return n_steps - 1 if self.timing == "spytorch" else n_steps

    @property
    def rebuilt(self) -> bool:
        """Whether each batch of decisions needs a fresh kernel."""
        return self.dc_generator or self.multimeter or self.adaptive

    @property
    def adaptive(self) -> bool:
        """Whether the neuron raises its threshold instead of lowering its potential."""
        return self.neuron in ("pp_psc_delta", "pp_exact")


def make_setup(model: SpikingModel, chosen: dict[str, str]) -> NestSetup:
    """The set-up that options ask for; ``auto`` takes what is closest to the policy.

    Args:
        model: The policy as shipped.
        chosen: Values of `nest_target.OPTIONS`.
    """
    thesis = chosen["mode"] == "thesis"
    timing = _timing(model, chosen["timing"], thesis)
    neuron: Model = chosen["neuron"]  # type: ignore[assignment]
    if chosen["neuron"] == "auto":
        neuron = "iaf_psc_delta" if thesis or model.neuron.reset == "zero" else "eprop_iaf"
    leak = leak_of(model.neuron.beta)
    if thesis and model.neuron.beta == 1.0:
        leak = Leak(tau_m=TAU_THESIS, c_m=1.0, beta=math.exp(-1.0 / TAU_THESIS))

    def pick(name: str, exact: str, of_thesis: str) -> str:
        return chosen[name] if chosen[name] != "auto" else (of_thesis if thesis else exact)

    resolution = float(pick("resolution", "0.5" if neuron == "pp_exact" else "1", "0.1"))
    late = timing == "spytorch" and not thesis
    return NestSetup(
        neuron=neuron,
        timing=timing,
        leak=leak,
        resolution=resolution,
        delay=float(pick("delay", "2" if late else "1", "1")),
        strict=pick("comparison", ">" if late else ">=", ">=") == ">",
        dc_generator=pick("input", "I_e", "dc_generator") == "dc_generator",
        multimeter=pick("reading", "V_m", "multimeter") == "multimeter",
    )


def _timing(model: SpikingModel, wanted: str, thesis: bool) -> Timing:
    if wanted != "auto":
        return wanted  # type: ignore[return-value]
    return "nest" if thesis else model.timing


def counterpart_model(model: SpikingModel, setup: NestSetup) -> SpikingModel:
    """The model that the engine simulates beside this set-up."""
    reset = "zero" if setup.neuron == "iaf_psc_delta" else "subtraction"
    beta = setup.leak.beta
    if setup.timing == "spytorch" and model.neuron.beta == 1.0:
        beta = 1.0
    neuron = Neuron(beta=beta, reset=reset)  # type: ignore[arg-type]
    return model.replace(neuron=neuron, timing=setup.timing, early_exit=None)
