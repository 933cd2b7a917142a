from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from dsqn_fast.conversion.observation_files import MAX_BYTES, load_observations
from dsqn_fast.errors import ModelFileNotFoundError, ObservationError


def test_observations_from_files(tmp_path: Path) -> None:
    values = np.arange(8.0).reshape(2, 4)
    np.save(tmp_path / "a.npy", values)
    np.savez(tmp_path / "a.npz", observations=values)
    for name in ("a.npy", "a.npz"):
        np.testing.assert_array_equal(load_observations(tmp_path / name), values)


def test_bad_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.npy").write_text("no array")
    np.savez(tmp_path / "other.npz", states=np.zeros(3))
    np.save(tmp_path / "object.npy", np.array([{}], dtype=object), allow_pickle=True)
    for name, words in (
        ("text.npy", "is not a .npy or .npz file"),
        ("other.npz", "must hold an array 'observations', but holds states"),
        ("object.npy", "is not a .npy or .npz file"),
    ):
        with pytest.raises(ObservationError, match=words):
            load_observations(tmp_path / name)
    with pytest.raises(ModelFileNotFoundError, match="there is no file"):
        load_observations(tmp_path / "absent.npy")


def test_damaged_and_endless_files_are_one_sentence(tmp_path: Path) -> None:
    values = np.arange(4000.0).reshape(1000, 4)
    np.savez_compressed(tmp_path / "good.npz", observations=values)
    packed = bytearray((tmp_path / "good.npz").read_bytes())
    packed[200:260] = bytes(60)
    (tmp_path / "flipped.npz").write_bytes(packed)
    np.save(tmp_path / "good.npy", values)
    whole = (tmp_path / "good.npy").read_bytes()
    (tmp_path / "cut.npy").write_bytes(whole[:-8])
    (tmp_path / "long.npy").write_bytes(whole + b"1")
    (tmp_path / "empty.npy").write_bytes(b"")
    for name in ("flipped.npz", "cut.npy", "long.npy", "empty.npy"):
        with pytest.raises(ObservationError, match=r"is not a \.npy or \.npz file"):
            load_observations(tmp_path / name)
    with pytest.raises(ObservationError, match=r"is not a \.npy or \.npz file"):
        load_observations(tmp_path)


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_files_that_promise_too_much_are_not_read(tmp_path: Path, suffix: str) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (2**40, 4)}
    )
    path = tmp_path / f"large.{suffix}"
    if suffix == "npy":
        path.write_bytes(header.getvalue() + bytes(64))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("observations.npy", header.getvalue() + bytes(64))
    with pytest.raises(ObservationError, match=f"{2**44} bytes .* more than the {MAX_BYTES}"):
        load_observations(path)


def test_arrays_of_either_order_and_empty_ones_are_read(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.asfortranarray(np.arange(8).reshape(2, 4)))
    np.testing.assert_array_equal(
        load_observations(tmp_path / "a.npy"), [[0, 1, 2, 3], [4, 5, 6, 7]]
    )
    np.save(tmp_path / "none.npy", np.zeros((0, 4)))
    assert load_observations(tmp_path / "none.npy").shape == (0, 4)
