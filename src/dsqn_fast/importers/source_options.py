"""What the user can say about a source network that the source itself does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import ModelFileError, OptionError
from dsqn_fast.importers.operations import Affine, ChannelsToFront, Operation, SourceNetwork
from dsqn_fast.model.layers import Shape


@dataclass(frozen=True, kw_only=True, eq=False)
class ObservationStatistics:
    """Running statistics by which observations were normalised: ``(x - mean) / sqrt(var + eps)``.

    Attributes:
        mean: Shape of an observation as it arrives.
        variance: Likewise, at least 0.
        epsilon: Added to the variance; Stable-Baselines3's `VecNormalize` uses 1e-8.
    """

    mean: NDArray[np.floating]
    variance: NDArray[np.floating]
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        for name in ("mean", "variance"):
            array = np.asarray(getattr(self, name))
            if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
                raise OptionError(f"{name} must hold finite real numbers, not {array.dtype} values")
            object.__setattr__(self, name, array.astype(np.float64))
        if self.mean.shape != self.variance.shape:
            raise OptionError(
                f"mean has shape {self.mean.shape} but variance {self.variance.shape}: "
                "both must have the shape of an observation"
            )
        if not (self.variance + self.epsilon > 0).all():
            raise OptionError(f"variance must be at least 0, not {self.variance.min()}")

    @classmethod
    def from_file(cls, path: str | Path) -> ObservationStatistics:
        """Read ``mean``, ``var`` and optionally ``epsilon`` from an .npz file.

        Raises:
            ModelFileError: The file is missing, damaged, or lacks one of them.
        """
        from dsqn_fast.importers.plain_arrays import read_arrays

        arrays = read_arrays(Path(path))
        missing = sorted({"mean", "var"} - arrays.keys())
        if missing:
            raise ModelFileError(
                f"{path} has no entry {missing[0]!r} but {sorted(arrays)}: save the statistics "
                "with numpy.savez(path, mean=..., var=...)"
            )
        epsilon = float(arrays["epsilon"]) if "epsilon" in arrays else 1e-8
        return cls(mean=arrays["mean"], variance=arrays["var"], epsilon=epsilon)


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """Options of `dsqn_fast.load_ann`; None means: as the source says, or the usual.

    Attributes:
        env_id: Gymnasium environment.
        input_shape: Shape of one observation as it arrives.
        channels_first: Images arrive as (channels, height, width), not (height, width, channels).
        preprocessing: Name and options of the observation preprocessing.
        activation: Name of the hidden activation, for files that hold tensors only.
        input_scale: Factor that observations are multiplied by before the source's first step.
        observation_statistics: Normalisation of observations before ``input_scale``.
    """

    env_id: str | None = None
    input_shape: Shape | None = None
    channels_first: bool | None = None
    preprocessing: Mapping[str, Any] | None = None
    activation: str | None = None
    input_scale: float | None = None
    observation_statistics: ObservationStatistics | None = None

    def __post_init__(self) -> None:
        shape = self.input_shape
        if shape is not None and (
            len(shape) not in (1, 3) or not all(isinstance(n, int) and n > 0 for n in shape)
        ):
            raise OptionError(
                f"input_shape must be 1 or 3 positive integers, not {shape!r}: "
                "give (n,) or (channels, height, width)"
            )
        scale = self.input_scale
        if scale is not None and not (np.isfinite(scale) and scale != 0):
            raise OptionError(f"input_scale must be finite and not 0, not {scale!r}")


def apply_options(network: SourceNetwork, options: SourceOptions) -> SourceNetwork:
    """``network`` with everything that ``options`` states put in.

    Raises:
        OptionError: An option contradicts the source.
    """
    operations, channels_last_inside = _without_permutation(network.operations)
    channels_first = network.channels_first and not channels_last_inside
    if options.channels_first is not None:
        channels_first = options.channels_first
    return replace(
        network,
        operations=(*_input_operations(options, channels_first), *operations),
        input_shape=_input_shape(network, options, channels_first),
        channels_first=channels_first,
        env_id=options.env_id or network.env_id,
        preprocessing=options.preprocessing or network.preprocessing,
        notes=(*network.notes, *_statistics_notes(options)),
    )


def _without_permutation(operations: Sequence[Operation]) -> tuple[list[Operation], bool]:
    """Operations without a leading change to channels first, and whether there was one."""
    for index, operation in enumerate(operations):
        if isinstance(operation, ChannelsToFront):
            return [*operations[:index], *operations[index + 1 :]], True
        if not (
            isinstance(operation, Affine) and operation.scale.size == operation.shift.size == 1
        ):
            break
    return list(operations), False


def _input_shape(
    network: SourceNetwork, options: SourceOptions, channels_first: bool
) -> Shape | None:
    shape = options.input_shape
    if shape is None:
        return network.input_shape
    if len(shape) == 3 and not channels_first:
        shape = (shape[2], shape[0], shape[1])
    if network.input_shape is not None and tuple(network.input_shape) != shape:
        raise OptionError(
            f"input_shape {options.input_shape} was given, but the source takes "
            f"{network.input_shape}: leave it out"
        )
    return shape


def _statistics_notes(options: SourceOptions) -> list[str]:
    if options.observation_statistics is None:
        return []
    return [
        "VecNormalize also clips normalised observations (to 10 by default), which is no linear "
        "step and was left out."
    ]


def _input_operations(options: SourceOptions, channels_first: bool) -> list[Operation]:
    operations: list[Operation] = []
    statistics = options.observation_statistics
    if statistics is not None:
        scale = 1 / np.sqrt(statistics.variance + statistics.epsilon)
        shift = -statistics.mean * scale
        if scale.ndim == 3 and not channels_first:
            scale, shift = scale.transpose(2, 0, 1), shift.transpose(2, 0, 1)
        operations.append(Affine(name="observation statistics", scale=scale, shift=shift))
    if options.input_scale is not None:
        scale = np.asarray(options.input_scale, np.float64)
        operations.append(Affine(name="input_scale", scale=scale, shift=np.zeros(())))
    return operations
