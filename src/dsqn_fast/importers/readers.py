"""The importer for every kind of file, imported when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from dsqn_fast.errors import ModelFileError
from dsqn_fast.importers.extras import import_extra
from dsqn_fast.importers.operations import SourceNetwork
from dsqn_fast.importers.plain_arrays import entry_names
from dsqn_fast.importers.source_options import SourceOptions
from dsqn_fast.model import AnnModel


def _npz(path: Path, options: SourceOptions) -> SourceNetwork | AnnModel:
    if "header" in entry_names(path):
        from dsqn_fast.model_io import load_policy

        ann = load_policy(path).source
        if ann is None:
            raise ModelFileError(
                f"{path} is a spiking policy without the network it came from: convert that one"
            )
        return ann
    from dsqn_fast.importers.numpy_mlp import read_numpy_mlp

    return read_numpy_mlp(path)


def _state_dict(path: Path, options: SourceOptions) -> SourceNetwork:
    import_extra("torch", extra="train", needed_for=f"a {path.suffix} file")
    from dsqn_fast.importers.state_dict import read_state_dict

    return read_state_dict(path, options.activation)


def _stable_baselines(path: Path, options: SourceOptions) -> SourceNetwork:
    import_extra("torch", extra="train", needed_for="a Stable-Baselines3 file")
    from dsqn_fast.importers.stable_baselines import read_stable_baselines

    return read_stable_baselines(path, options.activation)


def _cleanrl(path: Path, options: SourceOptions) -> SourceNetwork:
    import_extra("torch", extra="train", needed_for="a CleanRL file")
    from dsqn_fast.importers.cleanrl import read_cleanrl

    return read_cleanrl(path, options.activation)


def _onnx(path: Path, options: SourceOptions) -> SourceNetwork:
    import_extra("onnx", extra="onnx", needed_for="an ONNX file")
    from dsqn_fast.importers.onnx_graph import read_onnx

    return read_onnx(path)


def _nir(path: Path, options: SourceOptions) -> SourceNetwork:
    import_extra("nir", extra="nir", needed_for="a NIR file")
    from dsqn_fast.importers.nir_graph import read_nir

    return read_nir(path)


READERS: Mapping[str, Callable[[Path, SourceOptions], SourceNetwork | AnnModel]] = {
    ".npz": _npz,
    ".zip": _stable_baselines,
    ".pt": _state_dict,
    ".pth": _state_dict,
    ".cleanrl_model": _cleanrl,
    ".onnx": _onnx,
    ".nir": _nir,
}
"""Importer by extension of the file."""
