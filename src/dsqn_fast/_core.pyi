from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

class CpuError(RuntimeError): ...
class RangeError(ValueError): ...

def available_isas() -> list[str]: ...
def active_isa() -> str: ...
def encode(
    poisson: bool,
    observations: NDArray[np.float64],
    n_steps: int,
    seed: int,
    decisions: NDArray[np.uint64],
) -> NDArray[np.int8]: ...

class ResultF32:
    @property
    def actions(self) -> NDArray[np.int64]: ...
    @property
    def outputs(self) -> NDArray[np.float32]: ...
    @property
    def spike_counts(self) -> tuple[NDArray[np.int32], ...]: ...
    @property
    def total_spikes(self) -> NDArray[np.int64]: ...
    @property
    def input_spikes(self) -> NDArray[np.int64]: ...
    @property
    def synaptic_operations(self) -> NDArray[np.int64]: ...
    @property
    def steps_used(self) -> NDArray[np.int64]: ...
    @property
    def spikes(self) -> dict[int, NDArray[np.int8]]: ...
    @property
    def potentials(self) -> dict[int, NDArray[np.float32]]: ...

class ResultF64:
    @property
    def actions(self) -> NDArray[np.int64]: ...
    @property
    def outputs(self) -> NDArray[np.float64]: ...
    @property
    def spike_counts(self) -> tuple[NDArray[np.int32], ...]: ...
    @property
    def total_spikes(self) -> NDArray[np.int64]: ...
    @property
    def input_spikes(self) -> NDArray[np.int64]: ...
    @property
    def synaptic_operations(self) -> NDArray[np.int64]: ...
    @property
    def steps_used(self) -> NDArray[np.int64]: ...
    @property
    def spikes(self) -> dict[int, NDArray[np.int8]]: ...
    @property
    def potentials(self) -> dict[int, NDArray[np.float64]]: ...

class ResultFixed:
    @property
    def actions(self) -> NDArray[np.int64]: ...
    @property
    def outputs(self) -> NDArray[np.int32]: ...
    @property
    def spike_counts(self) -> tuple[NDArray[np.int32], ...]: ...
    @property
    def total_spikes(self) -> NDArray[np.int64]: ...
    @property
    def input_spikes(self) -> NDArray[np.int64]: ...
    @property
    def synaptic_operations(self) -> NDArray[np.int64]: ...
    @property
    def steps_used(self) -> NDArray[np.int64]: ...
    @property
    def spikes(self) -> dict[int, NDArray[np.int8]]: ...
    @property
    def potentials(self) -> dict[int, NDArray[np.int32]]: ...

class SimulatorF32:
    def __init__(
        self,
        input_shape: Sequence[int],
        layers: Sequence[Mapping[str, Any]],
        options: Mapping[str, Any],
        fixed: tuple[Mapping[str, Any], NDArray[np.float32], NDArray[np.int32]] | None,
    ) -> None: ...
    def run(
        self,
        observations: NDArray[Any],
        n_steps: int,
        seed: int,
        decisions: int | NDArray[np.uint64],
        record: Sequence[int],
        n_threads: int,
    ) -> ResultF32 | None: ...

class SimulatorF64:
    def __init__(
        self,
        input_shape: Sequence[int],
        layers: Sequence[Mapping[str, Any]],
        options: Mapping[str, Any],
        fixed: tuple[Mapping[str, Any], NDArray[np.float32], NDArray[np.int32]] | None,
    ) -> None: ...
    def run(
        self,
        observations: NDArray[Any],
        n_steps: int,
        seed: int,
        decisions: int | NDArray[np.uint64],
        record: Sequence[int],
        n_threads: int,
    ) -> ResultF64 | None: ...

class SimulatorFixed:
    def __init__(
        self,
        input_shape: Sequence[int],
        layers: Sequence[Mapping[str, Any]],
        options: Mapping[str, Any],
        fixed: tuple[Mapping[str, Any], NDArray[np.float32], NDArray[np.int32]] | None,
    ) -> None: ...
    def run(
        self,
        observations: NDArray[Any],
        n_steps: int,
        seed: int,
        decisions: int | NDArray[np.uint64],
        record: Sequence[int],
        n_threads: int,
    ) -> ResultFixed | None: ...
