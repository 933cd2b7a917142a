"""Populations of a NIR graph in discrete time.

With a time step dt, Euler's rule and the input S of a step::

    IF, I           v += r dt S
    LIF, LI         v += dt / tau ((v_leak - v) + r S)        beta = 1 - dt / tau
    CubaLIF, CubaLI i += dt / tau_syn (w_in S - i)            alpha = 1 - dt / tau_syn
                    v += dt / tau_mem ((v_leak - v) + r i)    beta = 1 - dt / tau_mem

which is this package's neuron with the factor ``gain`` on its input weights. NIR does not say
which dt its author had: it is 1 / r where only IF and I occur, so that an input of 1 adds 1, and
0.1 ms otherwise, as snnTorch, SpikingJelly and Norse have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import UnsupportedLayerError
from dsqn_fast.importers.nir_graph import numbers

DT: Final = 1e-4
SPIKING: Final = ("IF", "LIF", "CubaLIF")
INTEGRATORS: Final = ("I", "LI", "CubaLI")
POPULATIONS: Final = SPIKING + INTEGRATORS

Floats = NDArray[np.floating]


@dataclass(frozen=True, kw_only=True, eq=False)
class NirNeurons:
    """One population.

    Attributes:
        title: Its name and kind, for messages.
        spikes: Whether it spikes; an integrator does not.
        alpha: Decay of the synaptic current per step.
        beta: Decay of the potential per step.
        gain: Factor on its input, in NIR's shape of the population.
        threshold: Likewise; ones for an integrator.
    """

    title: str
    spikes: bool
    alpha: float
    beta: float
    gain: Floats
    threshold: Floats


def time_step(nodes: Sequence[tuple[str, Any]], dt: float | None) -> float:
    """The time step in seconds: the one given, or a guess (module docstring)."""
    if dt is not None:
        return dt
    populations = [node for _, node in nodes if type(node).__name__ in POPULATIONS]
    if any(type(node).__name__ not in ("IF", "I") for node in populations):
        return DT
    resistances = np.ravel(np.asarray(populations[0].r, np.float64))
    return float(1.0 / resistances[0]) if len(resistances) and resistances[0] > 0 else DT


def discrete(title: str, node: Any, dt: float) -> NirNeurons:
    """A population node in steps of ``dt`` seconds.

    Raises:
        UnsupportedLayerError: Its leak or reset is none that can be simulated here.
        ModelFileError: It has numbers that are not finite.
    """
    kind = type(node).__name__
    spikes = kind in SPIKING
    for name in ("v_leak", *(("v_reset",) if spikes else ())):
        value = getattr(node, name, None)
        if value is not None and np.any(numbers(title, value) != 0):
            found = np.ravel(value)[np.ravel(value) != 0][0]
            raise UnsupportedLayerError(
                f"{title} has {name} = {found:g}, and only 0 can be simulated: shift the "
                "potential so that it is 0"
            )
    gain = numbers(title, node.r).astype(np.float64)
    alpha, beta = 0.0, 1.0
    if kind in ("LIF", "LI"):
        beta, factor = _decay(title, "tau", node.tau, dt)
        gain = gain * factor
    elif kind in ("CubaLIF", "CubaLI"):
        alpha, slow = _decay(title, "tau_syn", node.tau_syn, dt)
        beta, factor = _decay(title, "tau_mem", node.tau_mem, dt)
        gain = gain * factor * slow * numbers(title, node.w_in)
    else:
        gain = gain * dt
    threshold = numbers(title, node.v_threshold) if spikes else np.ones_like(gain)
    return NirNeurons(
        title=title, spikes=spikes, alpha=alpha, beta=beta, gain=gain, threshold=threshold
    )


def _decay(title: str, name: str, tau: Any, dt: float) -> tuple[float, float]:
    """1 - dt / tau, and dt / tau."""
    values = np.unique(numbers(title, tau).astype(np.float64))
    if len(values) != 1:
        raise UnsupportedLayerError(
            f"{title} has {len(values)} different {name}, from {values.min(initial=0):g} to "
            f"{values.max(initial=0):g} s, and only one can be simulated: use one for all neurons"
        )
    factor = dt / float(values[0]) if values[0] > 0 else np.inf
    if not 0.0 < factor <= 1.0:
        raise UnsupportedLayerError(
            f"{title} has {name} = {values[0]:g} s, which steps of {dt:g} s do not resolve: give "
            "the dt that the graph was made for"
        )
    return 1.0 - factor, factor
