"""Policies whose weights are integers of 8 bits, and spiking weights that are made again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_entries import npy, pack, read_entries, read_header_json, with_header
from policy_models import scaled_model, small_model, version_1_model
from strategies import models_equal

from dsqn_fast.conversion.options import Dynamics, Recipe
from dsqn_fast.conversion.scaling import build_model
from dsqn_fast.errors import ModelError, ModelFileError
from dsqn_fast.model import AnnModel, Dense, SpikingModel
from dsqn_fast.model.byte_weights import from_bytes, to_bytes, with_byte_weights
from dsqn_fast.model_io import load_policy, policy_from_text, policy_to_text, save_policy

FIXTURES = Path(__file__).parent / "fixtures"
WEIGHT = "layers", 0, "weight"
SOURCE_WEIGHT = "source", "layers", 0, "weight"
POOL = {"kind": "average_pool2d", "kernel": [2, 2], "stride": [2, 2]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "policy.npz"
    save_policy(scaled_model(), file, weights_dtype="int8")
    return file


@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    rows=st.lists(
        st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=3, max_size=3),
        min_size=1,
        max_size=6,
    )
)
def test_weights_are_rounded_to_half_a_step_and_only_once(rows: list[list[float]]) -> None:
    weight = np.array(rows, np.float32)
    values, exponents = to_bytes(weight)
    steps = np.ldexp(1.0, np.array(exponents))
    rounded = from_bytes(values, exponents)
    assert rounded.dtype == np.float32
    assert np.abs(values.astype(int)).max() <= 127
    assert (np.abs(rounded.astype(float) - weight) <= steps / 2).all()
    largest = np.abs(weight).max(axis=0)
    assert ((largest > 63 * steps) | (largest < 1e-36)).all()
    again, same = to_bytes(rounded)
    assert from_bytes(again, same).tobytes() == np.where(rounded == 0, 0, rounded).tobytes()


def test_what_is_too_large_for_float32_is_refused() -> None:
    for largest in (1e300, float(np.finfo(np.float32).max)):
        with pytest.raises(ModelError, match="int8 ends at"):
            to_bytes(np.array([[largest]]))
    assert to_bytes(np.array([[127 * 2.0**121]]))[1] == [121]


def _rounded(model: SpikingModel) -> SpikingModel:
    """The model as it is after loading: made from its rounded source by the same conversion."""
    assert model.source is not None
    return build_model(
        with_byte_weights(model.source),
        [layer.scale for layer in model.populations],
        dynamics=Dynamics(),
        recipe=Recipe(),
        n_steps=model.n_steps,
    )


def test_a_policy_comes_back_as_if_converted_from_its_rounded_source(path: Path) -> None:
    loaded, wanted = load_policy(path), _rounded(scaled_model())
    assert models_equal(loaded, wanted)
    first = path.read_bytes()
    loaded.save(path, weights_dtype="int8")
    assert path.read_bytes() == first
    loaded.save(path)
    assert models_equal(load_policy(path), wanted)
    text, arrays = policy_to_text(loaded)
    assert models_equal(policy_from_text(text, arrays), wanted)


def test_only_rounded_weights_of_the_source_are_stored(path: Path) -> None:
    entries = read_entries(path.read_bytes())
    header = read_header_json(entries)
    assert header["version"] == 2
    assert header["layers"][0]["weight"] == {"shape": [2, 2, 1, 3], "dtype": "source"}
    assert header["source"]["layers"][0]["weight"]["dtype"] == "int8"
    assert not [name for name in entries if name.startswith("layer") and "weight" in name]
    sizes = {name: len(data) - 128 for name, data in entries.items() if name.endswith("weight.npy")}
    assert sizes == {
        "source.layer0.weight.npy": 12,
        "source.layer3.weight.npy": 48,
        "source.layer4.weight.npy": 8,
    }


def test_weights_that_are_not_the_sources_are_stored_in_full(tmp_path: Path) -> None:
    model = scaled_model()
    layers = list(model.layers)
    last = layers[4]
    weight = np.nextafter(last.connection.weight, np.float32(np.inf))  # type: ignore[union-attr]
    moved = Dense(weight=weight, bias=last.connection.bias)  # type: ignore[union-attr]
    layers[4] = type(last)(connection=moved, scale=last.scale)  # type: ignore[union-attr, call-arg]
    save_policy(model.replace(layers=tuple(layers)), tmp_path / "p.npz", weights_dtype="int8")
    header = read_header_json(read_entries((tmp_path / "p.npz").read_bytes()))
    kinds = [layer["weight"]["dtype"] for layer in header["layers"] if "weight" in layer]
    assert kinds == ["source", "source", "float32"]
    loaded = load_policy(tmp_path / "p.npz").populations
    assert loaded[2].connection.weight.tobytes() == weight.tobytes()
    made = _rounded(model).populations[0].connection.weight
    assert loaded[0].connection.weight.tobytes() == made.tobytes()


@pytest.mark.parametrize("model", [version_1_model(), small_model()], ids=["fixture", "float64"])
def test_fine_tuned_and_float64_policies_keep_their_spiking_weights(
    model: SpikingModel, tmp_path: Path
) -> None:
    save_policy(model, tmp_path / "p.npz", weights_dtype="int8")
    loaded = load_policy(tmp_path / "p.npz")
    assert models_equal(loaded.layers, model.layers)


def test_a_policy_without_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="rounds the weights of the source, but the model has non"):
        small_model(source=None).save(tmp_path / "p.npz", weights_dtype="int8")
    assert not list(tmp_path.iterdir())


def test_version_2_loads_forever(path: Path) -> None:
    fixture = FIXTURES / "policy_v2_int8.npz"
    assert models_equal(load_policy(fixture), _rounded(scaled_model()))
    assert path.read_bytes() == fixture.read_bytes()


EDITS: list[tuple[tuple[Any, ...], Any, str]] = [
    ((*WEIGHT, "dtype"), "int8", "layer0.weight must be source or float16 or"),
    ((*WEIGHT, "shape"), [2, 2, 3, 1], "layer0.weight must have its source's shape"),
    ((*SOURCE_WEIGHT, "dtype"), "source", "source.layer0.weight has the unknown 'exponents'"),
    ((*SOURCE_WEIGHT, "exponents"), [0, 0], "source.layer0.weight must have a list of 3 exponents"),
    ((*SOURCE_WEIGHT, "exponents"), "abc", "source.layer0.weight must have a list of 3 exponents"),
    ((*SOURCE_WEIGHT, "exponents"), [0, 0, 122], "source.layer0.weight must have exponents from"),
    ((*SOURCE_WEIGHT, "exponents"), [0, 0, 1.0], "source.layer0.weight must have exponents from"),
    ((*SOURCE_WEIGHT, "exponents"), [0, 0, True], "source.layer0.weight must have exponents from"),
    ((*SOURCE_WEIGHT, "shape"), [2, 2, 1, 4], "source.layer0.weight must have a list of 4"),
    (("version",), 1, "layer0.weight must be float16 or float32 or float64, not 'source'"),
    (("layers", 2), POOL, "weights are made from its source, which must have"),
    (("layers", 0, "scale", "shape"), [], "layer0.scale must have shape (), not"),
]


@pytest.mark.parametrize(("place", "value", "message"), EDITS, ids=range(len(EDITS)))
def test_other_headers_are_refused(
    path: Path, place: tuple[Any, ...], value: Any, message: str
) -> None:
    entries = read_entries(path.read_bytes())
    header = read_header_json(entries)
    inner = header
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    path.write_bytes(pack(with_header(entries, header)))
    with pytest.raises(ModelFileError) as caught:
        load_policy(path)
    assert str(caught.value).startswith(f"{path}: {message}")


def test_weights_made_from_no_source_or_by_bad_scales_are_refused(path: Path) -> None:
    entries = read_entries(path.read_bytes())
    header = read_header_json(entries) | {"source": None}
    kept = {name: data for name, data in entries.items() if not name.startswith("source")}
    path.write_bytes(pack(with_header(kept, header)))
    with pytest.raises(ModelFileError, match="weights are made from its source, which must have"):
        load_policy(path)
    for scale in (0.0, np.nan, np.inf, -1.0):
        bad = npy(np.full(3, scale, np.float32))
        path.write_bytes(pack({**entries, "layer0.scale.npy": bad}))
        with pytest.raises(ModelFileError):
            load_policy(path)


def test_a_small_file_that_becomes_large_is_refused(tmp_path: Path) -> None:
    """Deflated zeros of 8 bits, made into two arrays of float32."""
    zeros = Dense(weight=np.zeros((4000, 1000), np.float32), bias=np.zeros(1000, np.float32))
    out = Dense(weight=np.ones((1000, 2), np.float32), bias=np.zeros(2, np.float32))
    source = AnnModel(layers=(zeros, out), input_shape=(4000,))
    scales = [np.ones((), np.float32)] * 2
    model = build_model(source, scales, dynamics=Dynamics(), recipe=Recipe(), n_steps=8)
    save_policy(model, tmp_path / "p.npz", weights_dtype="int8")
    load_policy(tmp_path / "p.npz")
    packed = pack(read_entries((tmp_path / "p.npz").read_bytes()), 8)
    (tmp_path / "p.npz").write_bytes(packed)
    with pytest.raises(
        ModelFileError, match="bytes become 48032040 in memory, more than the 16777"
    ):
        load_policy(tmp_path / "p.npz")
