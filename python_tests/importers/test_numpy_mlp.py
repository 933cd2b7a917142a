"""Plain .npz files as ReLU networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dsqn_fast.errors import ModelFileError, ModelFileNotFoundError, OptionError
from dsqn_fast.importers import ObservationStatistics, load_ann

RNG = np.random.default_rng(0)
GOOD = {
    "w0": RNG.normal(size=(4, 5)).astype(np.float32),
    "b0": RNG.normal(size=5).astype(np.float32),
    "w1": RNG.normal(size=(5, 2)).astype(np.float32),
    "b1": RNG.normal(size=2).astype(np.float32),
}
X = RNG.normal(size=(7, 4)).astype(np.float32)


def save(folder: Path, **changes: Any) -> Path:
    arrays = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
    path = folder / "net.npz"
    np.savez(path, **arrays)
    return path


def by_hand(arrays: dict[str, Any], x: np.ndarray) -> np.ndarray:
    hidden = np.maximum(x @ arrays["w0"] + arrays.get("b0", 0), 0)
    return hidden @ arrays["w1"] + arrays.get("b1", 0)


def test_forward_is_the_relu_network(tmp_path: Path) -> None:
    ann = load_ann(save(tmp_path), env_id="CartPole-v1")
    np.testing.assert_allclose(ann.forward(X), by_hand(GOOD, X), rtol=1e-5, atol=1e-6)
    assert ann.env_id == "CartPole-v1"
    assert ann.layers[0].weight.dtype == np.float32
    assert ann.provenance["file"] == "net.npz"


def test_missing_biases_are_zeros_and_noted(tmp_path: Path) -> None:
    ann = load_ann(save(tmp_path, b0=None, b1=None))
    weights = {"w0": GOOD["w0"], "w1": GOOD["w1"]}
    np.testing.assert_allclose(ann.forward(X), by_hand(weights, X), rtol=1e-5, atol=1e-6)
    assert any("b0, b1" in note for note in ann.provenance["notes"])


def test_float64_stays(tmp_path: Path) -> None:
    doubles = {key: value.astype(np.float64) for key, value in GOOD.items()}
    ann = load_ann(str(save(tmp_path, **doubles)))
    x = X.astype(np.float64)
    np.testing.assert_allclose(ann.forward(x), by_hand(doubles, x), rtol=1e-13)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"w0": None}, ["w0"]),
        ({"w0": None, "w1": None}, ["w0"]),
        ({"w3": GOOD["w1"]}, ["w2"]),
        ({"w1": GOOD["w1"][:4]}, ["w1", "4", "5"]),
        ({"b1": np.zeros(3, np.float32)}, ["b1", "3", "2"]),
        ({"b1": np.zeros((1, 2), np.float32)}, ["b1", "(1, 2)"]),
        ({"extra": np.zeros(3)}, ["extra"]),
        ({"b2": np.zeros(3)}, ["b2"]),
        ({"w0": np.full((4, 5), np.nan)}, ["w0", "NaN"]),
        ({"b0": np.full(5, np.inf, np.float32)}, ["b0", "infinity"]),
        ({"w0": GOOD["w0"].astype(complex)}, ["w0", "complex"]),
        ({"w0": np.zeros((0, 5))}, ["w0", "(0, 5)"]),
        ({"w0": np.full((4, 5), "a")}, ["w0"]),
        ({"w0": np.array([[1, "x", None]], dtype=object)}, ["Object"]),
        ({"w0": np.full((4, 5), 1e300), "w1": np.full((5, 2), 1.0)}, []),
    ],
)
def test_odd_files_are_refused_in_one_sentence(
    tmp_path: Path, changes: dict[str, Any], words: list[str]
) -> None:
    path = save(tmp_path, **changes)
    if not words:
        assert load_ann(path).layers[0].weight.max() == 1e300
        return
    with pytest.raises(ModelFileError) as caught:
        load_ann(path)
    message = str(caught.value)
    assert "\n" not in message
    for word in (*words, str(path)):
        assert word in message


def test_thesis_network(shared_data: Path) -> None:
    ann = load_ann(shared_data / "thesis" / "cartpole_dqn.npz")
    arrays = np.load(shared_data / "thesis" / "cartpole_dqn.npz")
    x = np.load(shared_data / "thesis" / "cartpole_replay.npz")
    x = x[x.files[0]][:50].astype(np.float64)
    value = x
    for index in range(3):
        value = value @ arrays[f"w{index}"] + arrays[f"b{index}"]
        value = np.maximum(value, 0) if index < 2 else value
    np.testing.assert_allclose(ann.forward(x), value, rtol=1e-6, atol=1e-6)
    assert [layer.weight.shape for layer in ann.layers] == [(4, 16), (16, 16), (16, 2)]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nothing", b"\x93NUMPY", b"w0" * 100])
def test_damaged_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.npz"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"net\.npz"):
        load_ann(path)


def test_truncated_file(tmp_path: Path) -> None:
    path = save(tmp_path)
    whole = path.read_bytes()
    for end in range(0, len(whole) - 1, 97):
        path.write_bytes(whole[:end])
        with pytest.raises(ModelFileError):
            load_ann(path)


def test_missing_folder_and_unknown_extension(tmp_path: Path) -> None:
    with pytest.raises(ModelFileNotFoundError, match="does not exist"):
        load_ann(tmp_path / "none.npz")
    with pytest.raises(FileNotFoundError, match="folder"):
        load_ann(tmp_path)
    (tmp_path / "net.h5").write_bytes(b"x")
    with pytest.raises(ModelFileError, match=r"'\.h5'.*\.npz"):
        load_ann(tmp_path / "net.h5")
    with pytest.raises(OptionError, match="dict"):
        load_ann({"w0": 1})  # type: ignore[arg-type]


def test_statistics_and_scale_are_folded(tmp_path: Path) -> None:
    mean, variance = RNG.normal(size=4), RNG.uniform(0.5, 2, size=4)
    statistics = tmp_path / "statistics.npz"
    np.savez(statistics, mean=mean, var=variance)
    path = save(tmp_path)
    ann = load_ann(path, observation_statistics=statistics, input_scale=0.5)
    wanted = by_hand(GOOD, (X - mean) / np.sqrt(variance + 1e-8) * 0.5)
    np.testing.assert_allclose(ann.forward(X), wanted, rtol=1e-5, atol=1e-5)
    notes = " ".join(ann.provenance["notes"])
    assert "observation statistics" in notes
    assert "input_scale" in notes
    np.savez(statistics, mean=mean)
    with pytest.raises(ModelFileError, match="'var'"):
        load_ann(path, observation_statistics=statistics)


def test_options_that_contradict(tmp_path: Path) -> None:
    path = save(tmp_path)
    with pytest.raises(ValueError, match="4 values but is given"):
        load_ann(path, input_shape=(5,))
    with pytest.raises(OptionError, match="input_shape"):
        load_ann(path, input_shape=(5, 2))
    with pytest.raises(OptionError, match="input_scale"):
        load_ann(path, input_scale=0.0)
    with pytest.raises(OptionError, match="shape"):
        ObservationStatistics(mean=np.zeros(3), variance=np.ones(4))
