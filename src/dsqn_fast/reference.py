"""The NumPy simulator: it defines what every other simulator of this package computes.

Populations l = 1 ... L (layers with neurons), time steps t = 1, 2, ...; s_0 are the encoding's
input spikes. All arithmetic is in the given precision, in the order written::

    first population, constant current:   I = c                        (connectivity.py)
    others, and encoded input:            I[t] = b + sum_i s_i[t - d] * W[i, :]

    delta synapse (alpha = 0):  v = (beta * v + b) + sum      or  v = beta * v + c
        nest with subtraction:  v = (b + sum) + beta * v
    alpha > 0:                  y = (alpha * y + b) + sum     or  y = alpha * y + c
                                v = beta * v + y

    timing     delay d   fires       steps run
    instant    0         v >= theta  T
    nest       1         v >= theta  T
    spytorch   2         v > theta   T - 1

    spikes     binary    s = 1 if it fires
               burst     s = min(floor(v / theta), G) if v >= theta
               signed    s = 1 if it fires, s = -1 if v < 0 and the sum of its spikes is above 0
    reset      subtraction  v -= s * theta     zero  v = 0 where it fired

``spytorch`` is the simulator of Hahn (2020): it resets one step late. With f = spikes of the
step before, subtraction replaces ``beta * v`` by ``beta * v - f`` (1, whatever the threshold),
and zero sets v = 0 after the update where f, so that the input of that step is lost. Encoded
input spikes reach the first population without delay.

The output population never spikes with potential decoding. With first-spike decoding the
decision ends at the first step at which an output fires, before any reset.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.connectivity import (
    constant_current,
    fan_out,
    pool_factor,
    pool_sum,
    spike_current,
)
from dsqn_fast.decodings import decode, early_exit, first_spike
from dsqn_fast.encodings import encode
from dsqn_fast.fixed_current import round_current
from dsqn_fast.fixed_point import to_fixed_point
from dsqn_fast.fixed_population import check_fixed_steps, check_weight_bits
from dsqn_fast.model.forward import flattened
from dsqn_fast.model.layers import AveragePool2d, Flatten
from dsqn_fast.model.observations import prepare_observations
from dsqn_fast.model.options import (
    PRECISIONS,
    Neuron,
    Precision,
    check_choice,
    check_n_steps,
    steps_run,
)
from dsqn_fast.model.spiking import SpikingLayer, SpikingModel
from dsqn_fast.model.stages import population_stages
from dsqn_fast.run_options import (
    check_decisions,
    check_precision,
    check_record,
    check_recording,
    check_seed,
    expand_output_neurons,
)

Floats = NDArray[np.floating]
DELAYS: Final = {"instant": 0, "nest": 1, "spytorch": 2}


@dataclass(kw_only=True)
class ReferenceResult:
    """Result of `simulate_reference`; see `dsqn_fast.results.SimulationResult`."""

    actions: NDArray[np.int64]
    outputs: Floats
    q_values: NDArray[np.float64]
    spike_counts: tuple[NDArray[np.int32], ...]
    total_spikes: NDArray[np.int64]
    input_spikes: NDArray[np.int64]
    synaptic_operations: NDArray[np.int64]
    steps_used: NDArray[np.int64]
    spikes: dict[int, NDArray[np.int8]] = field(default_factory=dict)
    potentials: dict[int, Floats] = field(default_factory=dict)


class _Population:
    """State and dynamics of one population for a batch of decisions."""

    def __init__(
        self, model: SpikingModel, layer: SpikingLayer, shape: tuple[int, ...], dtype: Any
    ) -> None:
        self.neuron, self.timing = model.neuron, model.timing
        self.bias = layer.connection.bias.astype(dtype)
        self.theta = np.broadcast_to(layer.threshold.astype(dtype), shape[1:])
        self.v = np.broadcast_to(layer.initial_potential.astype(dtype), shape).copy()
        self.alpha, self.beta = dtype(model.neuron.alpha), dtype(model.neuron.beta)
        self.synapse = np.zeros(shape, dtype)
        self.sum = np.zeros(shape, np.int64)
        self.fired = np.zeros(shape, np.int8)

    def integrate(self, current: Floats, constant: bool) -> None:
        """Update the potential by one step with ``current`` (constant: bias included)."""
        bias = self.v.dtype.type(0) if constant else self.bias
        late = self.timing == "spytorch"
        kept = self.beta * self.v
        if late and self.neuron.reset == "subtraction":
            kept = kept - self.fired.astype(kept.dtype)
        if self.alpha:
            kept_synapse = self.alpha * self.synapse
            self.synapse = (kept_synapse if constant else kept_synapse + bias) + current
            self.v = kept + self.synapse
        elif self.timing == "nest" and self.neuron.reset == "subtraction":
            self.v = (current if constant else bias + current) + kept
        else:
            self.v = (kept if constant else kept + bias) + current
        if late and self.neuron.reset == "zero":
            self.v = np.where(self.fired != 0, self.v.dtype.type(0), self.v)

    def emit(self) -> NDArray[np.int8]:
        """Spikes of this step, before any reset."""
        fires = self.v > self.theta if self.timing == "spytorch" else self.v >= self.theta
        spikes = fires.astype(np.int8)
        if self.neuron.spikes == "burst":
            with np.errstate(over="ignore"):
                whole = np.floor(self.v / self.theta)
            limited = np.clip(whole, 0, self.neuron.burst_limit)
            spikes = np.where(fires, limited, 0).astype(np.int8)
        elif self.neuron.spikes == "signed":
            spikes = np.where(~fires & (self.v < 0) & (self.sum > 0), np.int8(-1), spikes)
        return spikes

    def fire(self) -> NDArray[np.int8]:
        """Spikes of this step; resets the potentials unless the timing does so later."""
        spikes = self.emit()
        self.sum += spikes
        self.fired = spikes
        if self.timing != "spytorch":
            if self.neuron.reset == "subtraction":
                self.v = self.v - spikes.astype(self.v.dtype) * self.theta
            else:
                self.v = np.where(spikes != 0, self.v.dtype.type(0), self.v)
        return spikes


class _Stage:
    """A population with the pooling before it and the delayed spikes that reach it."""

    def __init__(self, delay: int) -> None:
        self.before: tuple[AveragePool2d | Flatten, ...] = ()
        self.layer: SpikingLayer
        self.shape: tuple[int, ...]
        self.population: _Population
        self.history: deque[NDArray[np.int8]] = deque(maxlen=delay + 1)
        self.delay = delay

    def passed_on(self, values: NDArray[Any], dtype: Any) -> tuple[NDArray[Any], Any]:
        """Values after pooling and flattening, and the factor for the weights."""
        factor = dtype(1)
        for layer in self.before:
            if isinstance(layer, Flatten):
                values = flattened(values)
            else:
                values = pool_sum(layer, values)
                factor = dtype(factor * pool_factor(layer, np.dtype(dtype)))
        return values, factor

    def constant(self, values: Floats) -> Floats:
        """Current per step of constant inputs."""
        for layer in self.before:
            if isinstance(layer, Flatten):
                values = flattened(values)
            else:
                values = pool_sum(layer, values) * pool_factor(layer, values.dtype)
        return constant_current(self.layer.connection, values)

    def current(self, spikes: NDArray[np.int8], dtype: Any) -> Floats:
        """Current of the spikes that arrive now; ``spikes`` were emitted in this step."""
        self.history.append(spikes)
        if len(self.history) <= self.delay:
            return np.zeros(self.shape, dtype)
        values, factor = self.passed_on(self.history[0].astype(np.int64), dtype)
        return spike_current(self.layer.connection, values, factor, np.dtype(dtype))


def _stages(model: SpikingModel, batch: int, dtype: Any) -> list[_Stage]:
    stages: list[_Stage] = []
    for before, layer, shape in population_stages(model):
        stage = _Stage(DELAYS[model.timing] if stages else 0)
        stage.before, stage.layer, stage.shape = before, layer, (batch, *shape)
        stage.population = _Population(model, layer, stage.shape, dtype)
        stages.append(stage)
    return stages


class _Recorder:
    """Counts, recordings and the state at the end of each decision."""

    def __init__(self, model: SpikingModel, batch: int, steps: int, dtype: Any) -> None:
        widths = [int(np.prod(shape)) for shape in _population_shapes(model)]
        self.fans = fan_out(model)
        self.counts = [np.zeros((batch, n), np.int32) for n in widths]
        self.total = np.zeros(batch, np.int64)
        self.inputs = np.zeros(batch, np.int64)
        self.operations = np.zeros(batch, np.int64)
        self.steps_used = np.zeros(batch, np.int64)
        self.running = np.ones(batch, bool)
        self.final = np.zeros((batch, widths[-1]), dtype)
        self.spikes: dict[int, NDArray[np.int8]] = {}
        self.potentials: dict[int, Floats] = {}
        self.steps, self.dtype, self.widths = steps, dtype, widths

    def watch(self, populations: Sequence[int]) -> None:
        """Record spikes and potentials of these populations."""
        batch = len(self.running)
        for index in populations:
            shape = (batch, self.steps, self.widths[index])
            self.spikes[index] = np.zeros(shape, np.int8)
            self.potentials[index] = np.zeros(shape, self.dtype)

    def note(self, step: int, index: int, spikes: NDArray[np.int8], v: Floats) -> None:
        """Take in the spikes and potentials of population ``index`` at ``step`` (from 0)."""
        rows = self.running
        flat = flattened(spikes)[rows]
        self.counts[index][rows] += flat
        size = np.abs(flat.astype(np.int64))
        self.total[rows] += size.sum(axis=1)
        self.operations[rows] += size @ self.fans[index + 1]
        if index in self.spikes:
            self.spikes[index][rows, step] = flat
            self.potentials[index][rows, step] = flattened(v)[rows]

    def note_input(self, spikes: NDArray[np.int8]) -> None:
        """Take in the encoding's spikes of one step."""
        size = np.abs(flattened(spikes)[self.running].astype(np.int64))
        self.inputs[self.running] += size.sum(axis=1)
        self.operations[self.running] += size @ self.fans[0]


def _population_shapes(model: SpikingModel) -> list[tuple[int, ...]]:
    return [stage.shape for stage in population_stages(model)]


# Potentials may overflow to infinity and then be NaN; every simulator carries on alike.
@np.errstate(over="ignore", invalid="ignore")
def simulate_reference(
    model: SpikingModel,
    observations: NDArray[Any],
    *,
    n_steps: int | None = None,
    seed: int = 0,
    precision: Precision = "float32",
    weight_bits: int = 16,
    record: Sequence[int] | Literal["all"] = (),
    decisions: int | NDArray[np.uint64] = 0,
) -> ReferenceResult:
    """Simulate decisions with NumPy; the equations are in this module's docstring.

    Args:
        model: The spiking model.
        observations: (B, *input shape) or one observation; real numbers.
        n_steps: Time steps T per decision (timing spytorch simulates T - 1 of them); None takes
            the model's own.
        seed: Seed of the Poisson encoding, 0 <= seed < 2**64.
        precision: ``"float32"``, ``"float64"`` or ``"fixed"`` (see `dsqn_fast.fixed_point`).
        weight_bits: 16 or 8, with ``"fixed"``.
        record: Populations whose spikes and potentials are recorded (0 is the first, -1 the
            output), or ``"all"``.
        decisions: Index of each decision, which keys its noise: (B,) or the first of a count.

    Returns:
        The same result, bit for bit, as `Engine.run`.

    Raises:
        ObservationError: Observations do not fit or are not finite.
        ModelError: A parameter of the model is beyond the precision.
        OptionError: An argument is out of range.
        RecordingError: The recording takes more memory than the machine has.
    """
    check_choice("precision", precision, PRECISIONS)
    check_weight_bits(weight_bits)
    fixed = precision == "fixed"
    dtype: Any = np.float64 if fixed else np.dtype(precision).type
    steps_wanted = check_n_steps(model.n_steps if n_steps is None else n_steps)
    inputs = prepare_observations(model, observations, np.float32 if fixed else dtype)
    batch = len(inputs)
    keys = check_decisions(decisions, batch)
    seed = check_seed(seed)
    model = expand_output_neurons(model)
    check_precision(model, inputs.dtype)
    current = None
    if model.encoding == "constant":
        current = _stages(model, batch, inputs.dtype.type)[0].constant(inputs)
    if fixed:
        check_fixed_steps(steps_wanted, model)
        integers = to_fixed_point(model, weight_bits=weight_bits)
        model = integers.model
        if current is not None:
            current = round_current(current, integers.populations[0])
    steps = steps_run(model.timing, steps_wanted)
    stages = _stages(model, batch, dtype)
    recorder = _Recorder(model, batch, steps, dtype)
    wanted = check_record(record, len(stages))
    check_recording(model, wanted, batch=batch, n_steps=steps, dtype=np.dtype(dtype))
    recorder.watch(wanted)
    encoded = None
    if current is None:
        flat = flattened(inputs)
        encoded = encode(model.encoding, flat, steps, seed=seed, decisions=keys)
        encoded = encoded.reshape(batch, steps, *inputs.shape[1:])
    for step in range(steps):
        if not recorder.running.any():
            break
        _step(model, stages, recorder, step, current if encoded is None else encoded[:, step])
    _finish(recorder, stages, steps, recorder.running)
    return _result(model, recorder, stages[-1].layer, steps_wanted)


def _step(
    model: SpikingModel, stages: list[_Stage], recorder: _Recorder, step: int, drive: Any
) -> None:
    """One time step of every population; ends the decisions that are made in it."""
    dtype = recorder.dtype
    spikes: NDArray[np.int8] = drive
    constant = model.encoding == "constant"
    if not constant:
        recorder.note_input(drive)
    for index, stage in enumerate(stages):
        population = stage.population
        if index == 0 and constant:
            population.integrate(drive, constant=True)
        else:
            population.integrate(stage.current(spikes, dtype), constant=False)
        if index == len(stages) - 1 and model.decoding in ("potential", "first-spike"):
            break
        spikes = population.fire()
        recorder.note(step, index, spikes, population.v)
    decided: NDArray[np.bool_] = np.zeros(len(recorder.running), bool)
    v = flattened(population.v)
    if model.decoding == "potential":
        recorder.note(step, index, np.zeros(population.v.shape, np.int8), population.v)
        if model.early_exit is not None:
            decided = early_exit(v, model.early_exit)
    elif model.decoding == "first-spike":
        emitted = population.emit()
        recorder.note(step, index, emitted, population.v)
        decided = np.any(flattened(emitted), axis=1)
    _finish(recorder, stages, step + 1, decided & recorder.running)


def _finish(recorder: _Recorder, stages: list[_Stage], steps: int, rows: NDArray[np.bool_]) -> None:
    """Keep the state of the decisions in ``rows`` that end after ``steps`` steps."""
    v = stages[-1].population.v
    recorder.final[rows] = flattened(v)[rows]
    recorder.steps_used[rows] = steps
    recorder.running = recorder.running & ~rows


def _result(
    model: SpikingModel, recorder: _Recorder, output: SpikingLayer, n_steps: int
) -> ReferenceResult:
    spiked = recorder.counts[-1]
    decoded = decode(
        model, output, recorder.final, spiked, n_steps=n_steps, steps_used=recorder.steps_used
    )
    if model.decoding == "first-spike":
        decoded.actions = first_spike(recorder.final, spiked)
    return ReferenceResult(
        actions=decoded.actions,
        outputs=decoded.outputs,
        q_values=decoded.q_values,
        spike_counts=tuple(recorder.counts),
        total_spikes=recorder.total,
        input_spikes=recorder.inputs,
        synaptic_operations=recorder.operations,
        steps_used=recorder.steps_used,
        spikes=recorder.spikes,
        potentials=recorder.potentials,
    )


__all__ = ["Neuron", "ReferenceResult", "simulate_reference"]
