"""Operations and estimated energy of a decision, the source network beside its spiking twin.

Names as in NeuroBench (Yik et al. 2025): *effective* operations are those whose input is not zero;
a multiply-accumulate (MAC) has a real-valued input, an accumulate (AC) a spike. *Dense* operations
count every synapse: once for the source network, at every step for the spiking one, and for each
spike of a full burst where neurons may emit several in one step. So effective operations are never
more than dense ones. A burst of k spikes counts as k accumulates per synapse.

Energy is that of the arithmetic alone, in 45 nm (Horowitz 2014): 32-bit floating point 4.6 pJ per
MAC and 0.9 pJ per AC, 8-bit integers 0.23 pJ and 0.03 pJ. Reading weights and potentials from
memory usually costs more than that, on every platform, and is not counted.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.connectivity import fan_out
from dsqn_fast.conversion.activations import batch_size, weighted_activations
from dsqn_fast.conversion.options import Dynamics, Recipe
from dsqn_fast.conversion.scaling import build_model
from dsqn_fast.errors import OptionError
from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.layers import Conv2d, Dense
from dsqn_fast.model.observations import prepare_observations
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.results import SimulationResult
from dsqn_fast.run_options import expand_output_neurons

PICOJOULE: Final = {
    "float32": {"mac": 4.6, "ac": 0.9},
    "int8": {"mac": 0.23, "ac": 0.03},
}
"""Energy per operation in pJ, 45 nm (Horowitz, ISSCC 2014)."""
CAVEAT: Final = "arithmetic only, 45 nm table of Horowitz 2014; memory traffic is not counted"


@dataclass(frozen=True, kw_only=True)
class Operations:
    """Mean per decision.

    Attributes:
        effective_macs: Multiply-accumulates with a non-zero real input.
        effective_acs: Accumulates caused by spikes: spikes times fan-out, as counted by the
            simulation.
        dense_operations: Operations if every synapse were used: at every step, and by
            ``burst_limit`` spikes where neurons burst.
        activation_sparsity: Share of zeros: of activations, or of neurons and steps without
            a spike; None for burst and signed spikes, whose counts do not tell.
        membrane_updates: Neurons times steps; an addition each, or a multiply-accumulate
            where the neuron leaks.
        footprint: Bytes of weights and biases, and of potentials and thresholds.
        nanojoule: Estimated energy with 32-bit floating point.
        nanojoule_int8: Estimated energy with 8-bit integers.
    """

    effective_macs: float
    effective_acs: float
    dense_operations: float
    activation_sparsity: float | None
    membrane_updates: float
    footprint: int
    nanojoule: float
    nanojoule_int8: float


@dataclass(frozen=True, kw_only=True)
class EnergyReport:
    """A decision of the source network beside one of the spiking network.

    Attributes:
        ann: Of the source network.
        snn: Of the spiking network.
        caveat: What is not counted.
    """

    ann: Operations
    snn: Operations
    caveat: str = CAVEAT

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Activity:
    """What a spiking network did, mean per decision.

    Attributes:
        spikes: Spikes of all neurons.
        synaptic_operations: Spikes times fan-out, those of the encoding included.
        steps: Time steps simulated.
    """

    spikes: float
    synaptic_operations: float
    steps: float


def activity_of(result: SimulationResult) -> Activity:
    """The mean activity of simulated decisions.

    Raises:
        OptionError: There are no decisions.
    """
    if not len(result.actions):
        raise OptionError("operations per decision need at least 1 decision, not 0")
    return Activity(
        spikes=float(result.total_spikes.mean()),
        synaptic_operations=float(result.synaptic_operations.mean()),
        steps=float(result.steps_used.mean()),
    )


def _nanojoule(kind: str, macs: float, acs: float) -> float:
    return (macs * PICOJOULE[kind]["mac"] + acs * PICOJOULE[kind]["ac"]) / 1000


def _parameter_bytes(layers: tuple[Any, ...]) -> int:
    weighted = [layer for layer in layers if isinstance(layer, Dense | Conv2d)]
    return sum(layer.weight.nbytes + layer.bias.nbytes for layer in weighted)


def count_ann(ann: AnnModel, observations: NDArray[Any]) -> Operations:
    """Operations of the source network per decision.

    Args:
        ann: The source network.
        observations: (B, *shape), B >= 1; means are over them.

    Raises:
        ObservationError: Observations do not fit.
    """
    synapses = _synapses(ann)
    macs, zeros, values = 0.0, 0, 0
    size = batch_size(ann)
    for start in range(0, len(observations), size):
        part = observations[start : start + size]
        inputs = prepare_observations(ann, part, np.float32).reshape(len(part), -1)
        hidden = weighted_activations(ann, part)[:-1]
        for value, fan in zip((inputs, *hidden), synapses, strict=False):
            macs += float(((value != 0) @ fan.astype(np.float64)).sum())
        zeros += sum(int((value == 0).sum()) for value in hidden)
        values += sum(value.size for value in hidden)
    macs /= len(observations)
    return Operations(
        effective_macs=macs,
        effective_acs=0.0,
        dense_operations=float(sum(int(fan.sum()) for fan in synapses)),
        activation_sparsity=zeros / values if values else 0.0,
        membrane_updates=0.0,
        footprint=_parameter_bytes(ann.layers),
        nanojoule=_nanojoule("float32", macs, 0.0),
        nanojoule_int8=_nanojoule("int8", macs, 0.0),
    )


def _synapses(ann: AnnModel) -> tuple[NDArray[np.int64], ...]:
    weighted = sum(isinstance(layer, Dense | Conv2d) for layer in ann.layers)
    one = [np.ones((), np.float32)] * weighted
    recipe = Recipe(normalization="none", initial_potential="zero")
    return fan_out(build_model(ann, one, dynamics=Dynamics(), recipe=recipe, n_steps=1))


def count_snn(model: SpikingModel, observations: NDArray[Any], activity: Activity) -> Operations:
    """Operations of a spiking network per decision.

    With constant current the first layer's input is computed once per decision, by MACs.

    Args:
        model: The spiking model.
        observations: (B, *shape), B >= 1, on which the first layer's inputs are looked at.
        activity: What the network did, there or on more states of the same kind.
    """
    model = expand_output_neurons(model)
    synapses = fan_out(model)
    macs = 0.0
    if model.encoding == "constant":
        inputs = prepare_observations(model, observations, np.float32)
        used = (inputs.reshape(len(inputs), -1) != 0) @ synapses[0].astype(np.float64)
        macs = float(used.mean())
    neurons = [len(fan) for fan in synapses[1:]]
    updates = sum(neurons) * activity.steps
    acs = activity.synaptic_operations
    leaky = model.neuron.beta < 1 or model.neuron.alpha > 0
    all_macs, all_acs = (macs + updates, acs) if leaky else (macs, acs + updates)
    return Operations(
        effective_macs=macs,
        effective_acs=acs,
        dense_operations=_dense_operations(model, synapses, activity.steps),
        activation_sparsity=_sparsity(model, neurons, activity),
        membrane_updates=updates,
        footprint=_footprint(model, sum(neurons)),
        nanojoule=_nanojoule("float32", all_macs, all_acs),
        nanojoule_int8=_nanojoule("int8", all_macs, all_acs),
    )


def _dense_operations(
    model: SpikingModel, synapses: tuple[NDArray[np.int64], ...], steps: float
) -> float:
    first = int(synapses[0].sum()) * (1.0 if model.encoding == "constant" else steps)
    later = sum(int(fan.sum()) for fan in synapses[1:])
    most = model.neuron.burst_limit if model.neuron.spikes == "burst" else 1
    return first + later * steps * most


def _sparsity(model: SpikingModel, neurons: list[int], activity: Activity) -> float | None:
    spiking = neurons if model.decoding != "potential" else neurons[:-1]
    chances = sum(spiking) * activity.steps
    if model.neuron.spikes != "binary" or not chances:
        return None
    return 1 - activity.spikes / chances


def _footprint(model: SpikingModel, neurons: int) -> int:
    layers = model.populations
    parameters = _parameter_bytes(tuple(layer.connection for layer in layers))
    thresholds = sum(layer.threshold.nbytes + layer.initial_potential.nbytes for layer in layers)
    return parameters + thresholds + 4 * neurons
