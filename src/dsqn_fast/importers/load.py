"""Finding the importer for a source."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsqn_fast.errors import ModelError, ModelFileError, OptionError
from dsqn_fast.importers.extras import import_extra
from dsqn_fast.importers.operations import SourceNetwork
from dsqn_fast.importers.plain_arrays import existing_file
from dsqn_fast.importers.readers import READERS
from dsqn_fast.importers.refusals import TEACHER_ACTIVATIONS
from dsqn_fast.importers.source_options import (
    ObservationStatistics,
    SourceOptions,
    apply_options,
)
from dsqn_fast.model import AnnModel
from dsqn_fast.model.options import check_choice

if TYPE_CHECKING:
    import torch

    from dsqn_fast.importers.teacher import Teacher

    Source = str | Path | torch.nn.Module | AnnModel


def load_ann(
    source: Source,
    *,
    input_shape: tuple[int, ...] | None = None,
    env_id: str | None = None,
    channels_first: bool | None = None,
    preprocessing: Mapping[str, Any] | None = None,
    activation: str | None = None,
    input_scale: float | None = None,
    observation_statistics: ObservationStatistics | str | Path | None = None,
) -> AnnModel:
    """Read a trained policy as a ReLU network of plain NumPy arrays.

    Only numbers are read from files: no pickled object of any file is ever unpickled. What was
    folded, moved or assumed stands in ``provenance["notes"]`` of the result, in sentences.

    Args:
        source: A torch module (also ``q_net`` or ``policy`` of a Stable-Baselines3 model), or the
            path of one of these: ``.npz`` (``w0, b0, w1, ...``, each n_in x n_out, or a policy of
            this package, whose source network is taken), ``.zip``
            (Stable-Baselines3 DQN, QR-DQN, A2C, PPO), ``.pt`` or ``.pth`` (state_dict of a dense
            network or the Nature network), ``.cleanrl_model``, ``.onnx`` (opset 11 or later),
            ``.nir`` (without neurons).
        input_shape: Shape of one observation as it arrives, where the source does not state it.
        env_id: Gymnasium environment, where the source does not state it.
        channels_first: Images arrive as (channels, height, width), not (height, width,
            channels); None for what the source says, or else True.
        preprocessing: Name and options of the observation preprocessing.
        activation: Hidden activation of files that hold tensors only, by its torch name.
        input_scale: Factor on observations before anything that the source does itself.
        observation_statistics: Normalisation of observations before ``input_scale``, or an
            .npz file with ``mean`` and ``var`` (both shaped like an observation).

    Returns:
        The network; its float32 or float64 weights compute what the source computes.

    Raises:
        ModelFileError: A file is missing, damaged, of an unknown kind, or holds Python objects.
        UnsupportedLayerError: A layer cannot be converted; the message names it and what would
            work.
        OptionError: An option is not possible or contradicts the source.
        MissingExtraError: An optional dependency is not installed.
    """
    options = _options(
        input_shape,
        env_id,
        channels_first,
        preprocessing,
        activation,
        input_scale,
        observation_statistics,
    )
    read = read_source(source, options)
    if isinstance(read, AnnModel):
        return read
    from dsqn_fast.importers.build import build_ann

    try:
        return build_ann(read)
    except ModelError as error:
        if not isinstance(source, str | Path):
            raise
        raise ModelFileError(f"{source}: {error}") from None


def load_teacher(
    source: Source,
    *,
    input_shape: tuple[int, ...] | None = None,
    env_id: str | None = None,
    channels_first: bool | None = None,
    preprocessing: Mapping[str, Any] | None = None,
    activation: str | None = None,
    input_scale: float | None = None,
    observation_statistics: ObservationStatistics | str | Path | None = None,
) -> Teacher:
    """Read a policy that may have other activations than ReLU, to be asked for its outputs.

    Arguments and errors are those of `load_ann`; Tanh and its like are accepted.
    """
    options = _options(
        input_shape,
        env_id,
        channels_first,
        preprocessing,
        activation,
        input_scale,
        observation_statistics,
    )
    import_extra("torch", extra="train", needed_for="a teacher network")
    from dsqn_fast.importers.teacher import make_teacher

    return make_teacher(read_source(source, options))


def read_source(source: Source, options: SourceOptions) -> SourceNetwork | AnnModel:
    """Read ``source`` with the importer for its kind and put ``options`` in.

    Raises:
        As `load_ann`.
    """
    if isinstance(source, AnnModel):
        return _with_options(source, options)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(source, torch.nn.Module):
        from dsqn_fast.importers.sb3_module import is_sb3_module, read_sb3_module
        from dsqn_fast.importers.torch_module import read_module

        if is_sb3_module(source):
            return apply_options(read_sb3_module(source), options)
        return apply_options(read_module(source), options)
    if not isinstance(source, str | Path):
        raise OptionError(
            f"a source must be a path or a torch module, not {type(source).__name__}: "
            "save it and give the file"
        )
    path = existing_file(Path(source))
    suffix = path.suffix.lower()
    reader = READERS.get(suffix)
    if reader is None:
        raise ModelFileError(
            f"{path} ends with {suffix or 'no extension'!r}, not with one of "
            f"{', '.join(READERS)}: rename it or save it as one of these"
        )
    network = reader(path, options)
    if isinstance(network, AnnModel):
        return _with_options(network, options)
    return apply_options(
        replace(network, provenance={"file": path.name, **network.provenance}), options
    )


def _options(
    input_shape: tuple[int, ...] | None,
    env_id: str | None,
    channels_first: bool | None,
    preprocessing: Mapping[str, Any] | None,
    activation: str | None,
    input_scale: float | None,
    statistics: ObservationStatistics | str | Path | None,
) -> SourceOptions:
    if activation is not None:
        names = {name.lower(): name for name in TEACHER_ACTIVATIONS}
        activation = names.get(activation.lower(), activation)
        check_choice("activation", activation, TEACHER_ACTIVATIONS)
    if isinstance(statistics, str | Path):
        statistics = ObservationStatistics.from_file(statistics)
    return SourceOptions(
        env_id=env_id,
        input_shape=None if input_shape is None else tuple(input_shape),
        channels_first=channels_first,
        preprocessing=preprocessing,
        activation=activation,
        input_scale=input_scale,
        observation_statistics=statistics,
    )


def _with_options(ann: AnnModel, options: SourceOptions) -> AnnModel:
    """A finished network takes names; everything else is already inside it."""
    for name in ("input_shape", "activation", "input_scale", "observation_statistics"):
        if getattr(options, name) is not None:
            raise OptionError(
                f"{name}={getattr(options, name)!r} was given, but a policy of this package "
                "already contains it: leave it out"
            )
    return replace(
        ann,
        env_id=options.env_id or ann.env_id,
        preprocessing=options.preprocessing or ann.preprocessing,
        channels_first=ann.channels_first
        if options.channels_first is None
        else options.channels_first,
    )
