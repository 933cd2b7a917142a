"""Policy files: what is saved is what is loaded, completely or not at all."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from policy_entries import from_npy, npy, pack, read_entries, read_header_json
from policy_models import small_model, version_1_model
from strategies import models_equal, spiking_models

import dsqn_fast.model_io.save as save_module
from dsqn_fast.errors import ModelError, ModelFileError, OptionError, OutputPathError
from dsqn_fast.model import (
    Dense,
    SpikingLayer,
    SpikingModel,
)
from dsqn_fast.model_io import load_policy, save_policy

FIXTURES = Path(__file__).parent / "fixtures"
PROPERTY = settings(
    derandomize=True,
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def test_version_1_loads_forever() -> None:
    assert models_equal(load_policy(FIXTURES / "policy_v1.npz"), version_1_model())


def test_version_1_with_half_precision_weights_loads_forever() -> None:
    model = load_policy(FIXTURES / "policy_v1_float16.npz")
    wanted = version_1_model()
    for found, layer in zip(model.populations, wanted.populations, strict=True):
        half = layer.connection.weight.astype(np.float16).astype(np.float32)
        assert models_equal(found.connection.weight, half)
        assert models_equal(found.connection.bias, layer.connection.bias)
        assert models_equal(found.threshold, layer.threshold)
    assert models_equal(model.neuron, wanted.neuron)


@pytest.mark.parametrize(("name", "dtype"), [("policy_v1", None), ("policy_v1_float16", "float16")])
def test_version_1_is_written_to_the_same_bytes(name: str, dtype: Any, tmp_path: Path) -> None:
    save_policy(version_1_model(), tmp_path / "again", weights_dtype=dtype)
    assert (tmp_path / "again").read_bytes() == (FIXTURES / f"{name}.npz").read_bytes()


@PROPERTY
@given(model=spiking_models())
def test_loading_gives_back_what_was_saved(tmp_path: Path, model: SpikingModel) -> None:
    path = tmp_path / "policy.npz"
    model.save(path)
    loaded = load_policy(path)
    assert models_equal(loaded, model)
    first = path.read_bytes()
    loaded.save(path)
    assert path.read_bytes() == first


@PROPERTY
@given(model=spiking_models())
def test_half_precision_rounds_weights_once(tmp_path: Path, model: SpikingModel) -> None:
    path = tmp_path / "policy.npz"
    model.save(path, weights_dtype="float16")
    loaded = load_policy(path)
    for found, layer in zip(loaded.populations, model.populations, strict=True):
        half = layer.connection.weight.astype(np.float16).astype(np.float32)
        assert models_equal(found.connection.weight, half)
        assert models_equal(found.connection.bias, layer.connection.bias)
    loaded.save(path, weights_dtype="float16")
    assert models_equal(load_policy(path), loaded)


def test_header_records_the_stored_types(tmp_path: Path) -> None:
    path = tmp_path / "policy.npz"
    for dtype, stored in (("float16", "float16"), ("float32", "float32"), (None, "float64")):
        save_policy(small_model(), path, weights_dtype=dtype)  # type: ignore[arg-type]
        header = read_header_json(read_entries(path.read_bytes()))
        assert header["version"] == 1
        assert header["layers"][0]["weight"] == {"shape": [4, 5], "dtype": stored}
        assert header["layers"][0]["bias"]["dtype"] == "float64"
        assert header["source"]["layers"][1]["weight"]["dtype"] == stored
        loaded = load_policy(path).populations[0].connection.weight.dtype
        assert loaded == (np.float64 if dtype is None else np.float32)


def test_numpy_reads_the_file_without_pickle(tmp_path: Path) -> None:
    model = small_model()
    model.save(tmp_path / "policy.npz")
    with np.load(tmp_path / "policy.npz", allow_pickle=False) as file:
        header = json.loads(file["header"].tobytes().decode("utf-8"))
        assert header["env_id"] == "CartPole-v1"
        weight = model.populations[0].connection.weight
        np.testing.assert_array_equal(file["layer0.weight"], weight)
        np.testing.assert_array_equal(file["source.layer0.weight"], weight)


def test_files_of_other_writers_load(tmp_path: Path) -> None:
    """Deflated, in Fortran order, in another sequence: as np.savez_compressed writes it."""
    path = tmp_path / "policy.npz"
    small_model().save(path)
    arrays = {
        name.removesuffix(".npy"): np.asarray(from_npy(data), order="F")
        for name, data in reversed(read_entries(path.read_bytes()).items())
    }
    np.savez_compressed(tmp_path / "other.npz", **arrays)
    loaded = load_policy(tmp_path / "other.npz")
    assert models_equal(loaded, small_model())
    assert loaded.populations[0].connection.weight.flags.c_contiguous
    assert loaded.populations[0].connection.weight.flags.writeable


def test_the_given_path_is_written_exactly(tmp_path: Path) -> None:
    save_policy(small_model(), str(tmp_path / "no-ending"))
    assert [file.name for file in tmp_path.iterdir()] == ["no-ending"]


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    small_model().save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert models_equal(load_policy(tmp_path / "real"), small_model())


def test_new_files_have_the_usual_permissions(tmp_path: Path) -> None:
    small_model().save(tmp_path / "policy.npz")
    (tmp_path / "plain").write_bytes(b"")
    modes = [(tmp_path / name).stat().st_mode for name in ("policy.npz", "plain")]
    assert modes[0] == modes[1]


def test_unwritable_paths_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe")
    paths: list[Any] = [
        *(tmp_path, tmp_path / "no" / "policy.npz", tmp_path / "file" / "policy.npz"),
        *(tmp_path / "pipe", tmp_path / ("a" * 300), "a\0b", "", None, 3),
    ]
    for path in paths:
        with pytest.raises(OutputPathError, match=r"path|written") as caught:
            save_policy(small_model(), path)
        assert "\n" not in str(caught.value)
        assert isinstance(caught.value, OSError)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "pipe"]
    assert (tmp_path / "pipe").is_fifo()


@contextmanager
def largest_file(n_bytes: int) -> Iterator[None]:
    """A real disk limit: writing more than this to one file fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_new_file_takes_the_place_of_the_old_one_at_once(tmp_path: Path) -> None:
    """Whoever has the old file open keeps it whole: it is replaced, not written over."""
    path = tmp_path / "policy.npz"
    small_model().save(path)
    (tmp_path / "old.npz").hardlink_to(path)
    small_model(n_steps=99).save(path)
    assert load_policy(path).n_steps == 99
    assert load_policy(tmp_path / "old.npz").n_steps == 8


def test_the_old_file_survives_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "policy.npz"
    small_model().save(path)
    before = path.read_bytes()
    with largest_file(1000), pytest.raises(OutputPathError, match="File too large"):
        small_model(n_steps=99).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_old_file_survives_an_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "policy.npz"
    small_model().save(path)
    before = path.read_bytes()

    def interrupt(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(save_module.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        small_model(n_steps=99).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_models_that_no_file_can_hold_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "policy.npz"
    with pytest.raises(ModelError, match=r"header would have .* shorten the provenance"):
        small_model(provenance={"log": "x" * 2**20}).save(path)
    with pytest.raises(ModelError, match="a SpikingModel is needed"):
        save_policy(small_model().source, path)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="weights_dtype must be one of float16, float32"):
        save_policy(small_model(), path, weights_dtype="int4")  # type: ignore[arg-type]
    big = Dense(weight=np.full((4, 2), 1e5), bias=np.zeros(2))
    model = small_model(layers=(SpikingLayer(connection=big),), source=None)
    with pytest.raises(ModelError, match=r"layer0\.weight has a value of size 100000, but float16"):
        model.save(path, weights_dtype="float16")
    assert list(tmp_path.iterdir()) == []


def test_nothing_but_numpy_is_imported(tmp_path: Path) -> None:
    path = tmp_path / "policy.npz"
    small_model().save(path)
    code = (
        "import sys; from dsqn_fast.model_io import load_policy; load_policy(sys.argv[1]); "
        "print(sorted({'torch', 'gymnasium', 'scipy', 'onnx'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_saved_file_with_other_weights_loads(tmp_path: Path) -> None:
    """The checksum is the archive's own: nothing else forbids to edit a policy by hand."""
    path = tmp_path / "policy.npz"
    small_model().save(path)
    entries = read_entries(path.read_bytes())
    path.write_bytes(pack({**entries, "layer0.bias.npy": npy(np.arange(5.0))}))
    np.testing.assert_array_equal(load_policy(path).populations[0].connection.bias, np.arange(5.0))
    path.write_bytes(pack({**entries, "layer0.bias.npy": npy(np.arange(6.0))}))
    with pytest.raises(ModelFileError, match=r"layer0.bias must have shape \(5,\), not \(6,\)"):
        load_policy(path)
