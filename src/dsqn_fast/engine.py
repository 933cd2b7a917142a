"""The compiled simulator: fast, and equal to `dsqn_fast.reference` bit for bit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from dsqn_fast import _core
from dsqn_fast.connectivity import constant_current
from dsqn_fast.decodings import decode, per_neuron
from dsqn_fast.engine_layers import (
    engine_input_shape,
    engine_layers,
    fixed_layers,
    leading_pools,
    pooled_input,
)
from dsqn_fast.errors import CpuError, OptionError
from dsqn_fast.fixed_current import range_error
from dsqn_fast.fixed_point import to_fixed_point
from dsqn_fast.fixed_population import (
    LARGEST_MARGIN,
    FixedModel,
    check_fixed_steps,
    check_weight_bits,
)
from dsqn_fast.model.forward import flattened
from dsqn_fast.model.layers import Dense
from dsqn_fast.model.observations import prepare_observations
from dsqn_fast.model.options import (
    MAX_STEPS,
    PRECISIONS,
    Precision,
    check_choice,
    check_n_steps,
)
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.run_options import (
    check_decisions,
    check_precision,
    check_record,
    check_recording,
    check_seed,
    expand_output_neurons,
)

Floats = NDArray[np.floating]
MAX_THREADS: Final = 1024


def available_isas() -> list[str]:
    """Instruction sets that this build can run on this CPU, slowest first."""
    return _core.available_isas()


def active_isa() -> str:
    """The instruction set in use: the fastest, or the one that DSQN_FORCE_ISA names.

    Raises:
        CpuError: DSQN_FORCE_ISA names one that does not run here.
    """
    try:
        return _core.active_isa()
    except _core.CpuError as error:
        raise CpuError(str(error)) from None


class RunResult:
    """Result of `Engine.run`; its attributes are those of `results.SimulationResult`.

    Arrays are made when they are asked for, and are the caller's own.
    """

    __slots__ = ("_core", "_engine", "_n_steps")

    # Set by `Engine.run`: a call of __init__ would take a tenth of the time of a small network.
    _core: _core._Result
    _engine: Engine
    _n_steps: int

    @property
    def actions(self) -> NDArray[np.int64]:
        """(B,) decoded actions."""
        return _core.actions(self._core)

    @property
    def outputs(self) -> Floats:
        """(B, n_out) decoded outputs, in the engine's precision."""
        outputs: Floats = _core.outputs(self._core)
        if self._engine.fixed is None:
            return outputs
        return self._engine.fixed_outputs(outputs, self._n_steps)

    @property
    def q_values(self) -> NDArray[np.float64]:
        """(B, n_out) outputs in units of the source network."""
        model = self._engine.expanded_model
        counts, outputs = self.spike_counts[-1], self.outputs
        # Decoding by count does not look at the potentials: any array of their shape serves.
        potentials = outputs if model.decoding != "count" else counts.astype(outputs.dtype)
        if model.decoding == "count+potential":
            return outputs.astype(np.float64) * per_neuron(model.populations[-1].scale, outputs)
        return decode(
            model,
            model.populations[-1],
            potentials,
            counts,
            n_steps=self._n_steps,
            steps_used=self.steps_used,
        ).q_values

    @property
    def spike_counts(self) -> tuple[NDArray[np.int32], ...]:
        """Per population (B, n_l) sums of emitted spikes."""
        return _core.spike_counts(self._core)

    @property
    def total_spikes(self) -> NDArray[np.int64]:
        """(B,) spikes of all populations."""
        return _core.total_spikes(self._core)

    @property
    def input_spikes(self) -> NDArray[np.int64]:
        """(B,) spikes of the encoding."""
        return _core.input_spikes(self._core)

    @property
    def synaptic_operations(self) -> NDArray[np.int64]:
        """(B,) spikes times fan-out."""
        return _core.synaptic_operations(self._core)

    @property
    def steps_used(self) -> NDArray[np.int64]:
        """(B,) steps simulated."""
        return _core.steps_used(self._core)

    @property
    def spikes(self) -> Mapping[int, NDArray[np.int8]]:
        """Recorded population -> (B, steps, n_l) spikes."""
        return _core.spikes(self._core)

    @property
    def potentials(self) -> Mapping[int, Floats]:
        """Recorded population -> (B, steps, n_l) potentials."""
        potentials = _core.potentials(self._core)
        fixed = self._engine.fixed
        if fixed is None:
            return potentials
        scales = {i: fixed.populations[i].scale for i in potentials}
        return {i: v / np.resize(scales[i], v.shape[2]) for i, v in potentials.items()}


class Engine:
    """A model, compiled for simulation.

    An engine is immutable: several Python threads may run it at once, and a run releases the
    GIL. Results do not depend on the instruction set, the number of threads or how
    observations are split into batches.

    Args:
        model: The spiking model.
        n_threads: Threads that a batch is split over; they are kept for later runs.
        precision: ``"float32"``, ``"float64"`` or ``"fixed"``: the type of weights and
            potentials. Fixed point (see `dsqn_fast.fixed_point`) is laid out for the model's
            own n_steps and runs at most as many.
        weight_bits: 16 or 8, with ``"fixed"``.

    Raises:
        OptionError: An option is not one of its possible values.
        ModelError: A parameter of the model is beyond the precision.
        UnsupportedError: The model has layers that the engine does not run.
        CpuError: DSQN_FORCE_ISA names an instruction set that does not run here.
    """

    def __init__(
        self,
        model: SpikingModel,
        *,
        n_threads: int = 1,
        precision: Precision = "float32",
        weight_bits: int = 16,
    ) -> None:
        check_choice("precision", precision, PRECISIONS)
        check_weight_bits(weight_bits)
        self.n_threads = _check_threads(n_threads)
        self.precision = precision
        self.model = model
        self.expanded_model = expand_output_neurons(model)
        self.dtype = np.dtype(np.float32 if precision == "fixed" else precision)
        check_precision(self.expanded_model, self.dtype)
        self._vector = len(model.input_shape) == 1  # images are checked and turned first
        self._pools = bool(leading_pools(model)) and model.encoding == "constant"
        self.fixed: FixedModel | None = None
        if precision == "fixed":
            self.fixed = to_fixed_point(self.expanded_model, weight_bits=weight_bits)
        self._level = np.float64(1.0)  # what an integer 1 of the output stands for
        active_isa()
        self._simulate = self._compile()
        # What most calls have, so that it is not looked up again.
        self._own_steps = model.n_steps
        self._most_steps = MAX_STEPS if self.fixed is None else model.n_steps

    def _compile(self) -> _core._Run:
        model = self.expanded_model
        shape, options = engine_input_shape(model), _core_options(self.model)
        layers = engine_layers(model, self.dtype)
        if self.fixed is None:
            single = self.precision == "float32"
            make = _core.simulator_f32 if single else _core.simulator_f64
            return make(shape, layers, options, None)
        first, output = self.fixed.populations[0], self.fixed.populations[-1]
        if options["exit_margin"] is not None:
            limit = math.floor(min(options["exit_margin"] * output.one, LARGEST_MARGIN))
            options["exit_margin"] = float(limit)
        if model.decoding != "count":
            self._level = np.float64(1.0 / output.one)
        rounding = (layers[0], first.scale.astype(np.float32), first.largest_current)
        self.expanded_model = self.fixed.model
        return _core.simulator_fixed(shape, fixed_layers(model, self.fixed), options, rounding)

    def run(
        self,
        observations: NDArray[Any],
        *,
        n_steps: int | None = None,
        seed: int = 0,
        decisions: int | NDArray[np.uint64] = 0,
        record: Sequence[int] | Literal["all"] = (),
    ) -> RunResult:
        """Simulate one decision per observation.

        Args:
            observations: (B, *input shape) or one observation; real numbers. Arrays that are
                C-contiguous and of the engine's precision are used without a copy.
            n_steps: Time steps T per decision (timing spytorch simulates T - 1 of them); None
                takes the model's own.
            seed: Seed of the Poisson encoding, 0 <= seed < 2**64.
            decisions: Index of each decision, which keys its noise: (B,) or the first of a
                count.
            record: Populations whose spikes and potentials are recorded (0 is the first, -1
                the output), or ``"all"``.

        Returns:
            The same result, bit for bit, as `simulate_reference`.

        Raises:
            ObservationError: Observations do not fit or are not finite.
            OptionError: An argument is out of range.
            RecordingError: The recording takes more memory than the machine has.
            KeyboardInterrupt: Ctrl-C was pressed; any run ends within a second.
        """
        if n_steps is None:
            steps = self._own_steps
        elif type(n_steps) is int and 0 < n_steps <= self._most_steps:
            steps = n_steps
        else:
            steps = self._check_steps(n_steps)
        if type(seed) is not int or seed != 0:
            seed = check_seed(seed)
        wanted: tuple[int, ...] = ()
        if type(record) is not tuple or record:
            wanted = check_record(record, len(self.expanded_model.populations))
            self._check_recording(wanted, observations, steps)
        try:
            core = None
            plain = self._vector and type(decisions) is int and decisions == 0
            if plain and type(observations) is np.ndarray:  # the core looks at the rest
                core = self._simulate(observations, steps, seed, 0, wanted, self.n_threads)
            if core is None:
                inputs = prepare_observations(self.model, observations, self.dtype)
                keys = check_decisions(decisions, len(inputs))
                if self._pools:
                    inputs = np.ascontiguousarray(pooled_input(self.model, inputs))
                flat = flattened(inputs)
                core = self._simulate(flat, steps, seed, keys, wanted, self.n_threads)
                assert core is not None
        except _core.RangeError:
            raise self._range_error(observations) from None
        result = RunResult()
        result._core, result._engine, result._n_steps = core, self, steps
        return result

    def _check_steps(self, n_steps: object) -> int:
        steps = check_n_steps(n_steps)
        if self.fixed is not None:
            check_fixed_steps(steps, self.model)
        return steps

    def _check_recording(self, record: tuple[int, ...], observations: Any, steps: int) -> None:
        batch = len(prepare_observations(self.model, observations, self.dtype))
        check_recording(self.expanded_model, record, batch=batch, n_steps=steps, dtype=self.dtype)

    def _range_error(self, observations: Any) -> OptionError:
        assert self.fixed is not None
        values = pooled_input(
            self.model, prepare_observations(self.model, observations, self.dtype)
        )
        connection = self.model.populations[0].connection
        if isinstance(connection, Dense):
            values = flattened(values)
        return range_error(constant_current(connection, values), self.fixed.populations[0])

    def fixed_outputs(self, raw: NDArray[Any], n_steps: int) -> NDArray[np.float64]:
        """Outputs (B, n_out) from the integers that the fixed-point simulator gives."""
        values: NDArray[np.float64] = raw * self._level  # exact: a power of two
        return values / n_steps if self.model.decoding == "count+potential" else values


def _check_threads(n_threads: object) -> int:
    if isinstance(n_threads, bool) or not isinstance(n_threads, int | np.integer):
        raise OptionError(
            f"n_threads must be an integer from 1 to {MAX_THREADS}, not {n_threads!r}"
        )
    if not 1 <= int(n_threads) <= MAX_THREADS:
        raise OptionError(f"n_threads must be from 1 to {MAX_THREADS}, not {n_threads}")
    return int(n_threads)


def _core_options(model: SpikingModel) -> dict[str, Any]:
    rule = model.early_exit
    return {
        "alpha": model.neuron.alpha,
        "beta": model.neuron.beta,
        "burst_limit": model.neuron.burst_limit,
        "reset": model.neuron.reset,
        "spikes": model.neuron.spikes,
        "timing": model.timing,
        "encoding": model.encoding,
        "decoding": model.decoding,
        "two_output_neurons": model.two_output_neurons,
        "exit_margin": None if rule is None else rule.kappa * rule.spread,
    }


def encode_observations(
    model: SpikingModel,
    observations: NDArray[Any],
    *,
    n_steps: int | None = None,
    seed: int = 0,
    decisions: int | NDArray[np.uint64] = 0,
    precision: Precision = "float32",
) -> NDArray[np.int8]:
    """Input spikes (B, n_steps, n) that `Engine.run` feeds to the first population.

    With timing spytorch the run ends a step earlier and leaves the last ones out. Fixed point
    takes observations in float32.

    Raises:
        OptionError: The model has constant encoding, which has no spikes.
        ObservationError: Observations do not fit or are not finite.
    """
    if model.encoding == "constant":
        raise OptionError("constant encoding has no input spikes: use poisson or equidistant")
    check_choice("precision", precision, PRECISIONS)
    steps = check_n_steps(model.n_steps if n_steps is None else n_steps)
    dtype = np.dtype(np.float32 if precision == "fixed" else precision)
    inputs = prepare_observations(model, observations, dtype)
    keys = check_decisions(decisions, len(inputs))
    flat = np.ascontiguousarray(flattened(inputs), dtype=np.float64)
    return _core.encode(model.encoding == "poisson", flat, steps, check_seed(seed), keys)
