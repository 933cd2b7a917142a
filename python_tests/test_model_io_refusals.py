"""Files that are no policy files: each is refused with one sentence that says why."""

from __future__ import annotations

import io
import os
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from policy_entries import Entries, npy, pack, read_entries, read_header_json, with_header
from policy_models import small_model

from dsqn_fast.errors import ModelFileError, ModelFileNotFoundError
from dsqn_fast.model_io import load_policy


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> Entries:
    path = tmp_path_factory.mktemp("policy") / "policy.npz"
    small_model().save(path)
    return read_entries(path.read_bytes())


@pytest.fixture
def refusal(tmp_path: Path) -> Callable[[bytes], str]:
    def refuse(data: bytes) -> str:
        path = tmp_path / "bad.npz"
        path.write_bytes(data)
        with pytest.raises(ModelFileError) as caught:
            load_policy(path)
        message = str(caught.value)
        assert message.startswith(f"{path}: ")
        assert "\n" not in message
        return message.removeprefix(f"{path}: ")

    return refuse


def test_paths_without_a_file(tmp_path: Path) -> None:
    missing: list[Any] = [tmp_path / "no.npz", "", "a\0b", tmp_path / ("a" * 300)]
    for path in missing:
        with pytest.raises(ModelFileNotFoundError) as caught:
            load_policy(path)
        assert isinstance(caught.value, FileNotFoundError)
    for value in (None, 3, b"policy.npz", ["policy.npz"]):
        with pytest.raises(ModelFileError, match="path must be text or a Path, not"):
            load_policy(value)  # type: ignore[arg-type]
    with pytest.raises(ModelFileError, match="this is a directory"):
        load_policy(tmp_path)


def test_special_files_do_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(ModelFileError, match="this is not a regular file"):
            load_policy(path)


def test_other_files(refusal: Callable[[bytes], str], entries: Entries) -> None:
    assert refusal(b"") == "it is no .npz archive"
    assert refusal(b"hello") == "it is no .npz archive"
    assert refusal(npy(np.zeros(3))) == "it is no .npz archive"
    assert "it is cut off" in refusal(b"PK")
    assert "it is cut off" in refusal(pack(entries)[:-1])
    assert "it is cut off, or has bytes after" in refusal(pack(entries) + b"\0")
    assert refusal(pack({})).startswith("it has no entry 'header', only nothing")
    plain = pack({"w0.npy": npy(np.zeros((2, 2))), "b0.npy": npy(np.zeros(2))})
    assert "it has no entry 'header', only 'w0', 'b0'" in refusal(plain)


def test_real_files_of_other_programs(shared_data: Path) -> None:
    with pytest.raises(ModelFileError, match="no entry 'header', only 'w0', 'b0', 'w1', 'b1'"):
        load_policy(shared_data / "thesis" / "cartpole_dqn.npz")
    with pytest.raises(ModelFileError, match="its entry 'data' must be an array NAME"):
        load_policy(shared_data / "zoo" / "dqn-CartPole-v1.zip")


HEADERS = [
    ("", "its header is not JSON: Expecting value at character 0"),
    ("{", "its header is not JSON"),
    ("\ud800", "its header is not UTF-8 at byte 0"),
    ("[]", "its header must be a JSON object, not []"),
    ("null", "its header must be a JSON object, not None"),
    ("[" * 100_000, "its header is nested too deeply"),
    ('{"a":' * 100_000, "its header is nested too deeply"),
    ('{"a": 1, "a": 2}', "its header has the key 'a' twice"),
    ('{"version": NaN}', "its header has the number NaN, which is not finite"),
    ('{"version": -Infinity}', "its header has the number -Infinity"),
    ('{"version": 1e999}', "its header has the number '1e999', which is not finite"),
    ('{"version": ' + "9" * 5000 + "}", "its header has an integer of thousands of digits"),
    ("{}", "its format must be 'dsqn-fast policy', not None"),
    ('{"format": "dsqn-fast policy", "version": 1}', "its header lacks input_shape, channels_"),
]


@pytest.mark.parametrize(("text", "message"), HEADERS, ids=range(len(HEADERS)))
def test_headers(
    refusal: Callable[[bytes], str], entries: Entries, text: str, message: str
) -> None:
    assert refusal(pack(with_header(entries, text))).startswith(message)


def test_header_of_more_than_a_mebibyte(refusal: Callable[[bytes], str], entries: Entries) -> None:
    header = with_header(entries, " " * (2**20 + 1))
    assert refusal(pack(header)) == "its header has 1048577 bytes, more than the 1048576 allowed"
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        large = pack(with_header(entries, " " * 2**23), compression)
        assert "its header has 8388736 bytes, more than the 1048576 allowed" in refusal(large)


def test_headers_that_are_no_bytes(refusal: Callable[[bytes], str], entries: Entries) -> None:
    for array in (np.zeros(4), np.zeros((2, 2), np.uint8), np.uint8(3)):
        message = refusal(pack({**entries, "header.npy": npy(array)}))
        assert "its header must be a vector of uint8, not" in message


@pytest.mark.parametrize("version", [0, 3, -1, 10**30, "1", 1.0, True, None, [1]], ids=str)
def test_unknown_versions(refusal: Callable[[bytes], str], entries: Entries, version: Any) -> None:
    header = read_header_json(entries) | {"version": version}
    message = refusal(pack(with_header(entries, header)))
    assert message.startswith(f"it has format version {version!r}, but this dsqn-fast reads ver")


def edited(entries: Entries, *path: Any, value: Any) -> bytes:
    header = read_header_json(entries)
    place = header
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return pack(with_header(entries, header))


EDITS: list[tuple[tuple[Any, ...], Any, str]] = [
    (("extra",), 1, "its header has the unknown 'extra', where only format"),
    (("neuron", "gamma"), 1, "neuron has the unknown 'gamma'"),
    (("neuron",), [], "neuron must be a JSON object, not []"),
    (("early_exit",), {"kappa": 1}, "early_exit lacks spread"),
    (("early_exit",), {"kappa": 0, "spread": 1}, "the kappa of an early exit must be above 0"),
    (("layers",), {}, "layers must be a list of layers, not {}"),
    (("layers",), [], "it has entries that its header does not name: 'layer0.weight'"),
    (("layers", 0), 3, "layer0 must be a JSON object, not 3"),
    (("layers", 0, "kind"), "lstm", "layer0 must be one of dense, conv2d, average_pool2d, flatt"),
    (("layers", 0, "kind"), ["dense"], "layer0 must be one of"),
    (("layers", 0, "kind"), "flatten", "layer0 has the unknown 'weight', 'bias', 'threshold'"),
    (("layers", 0, "kind"), "conv2d", "layer0 lacks stride, padding"),
    (("layers", 0, "dropout"), 0.5, "layer0 has the unknown 'dropout', where only kind, weight"),
    (("layers", 0, "weight", "dtype"), "int8", "layer0.weight must be float16 or float32 or"),
    (("layers", 0, "bias", "dtype"), "float16", "layer0.bias must be float32 or float64, not"),
    (("layers", 0, "bias", "dtype"), None, "layer0.bias must be float32 or float64, not None"),
    (("layers", 0, "bias", "shape"), 5, "layer0.bias must have up to 4 dimensions, not 5"),
    (("layers", 0, "bias", "shape"), [1] * 5, "layer0.bias must have up to 4 dimensions"),
    (("layers", 0, "bias", "shape"), [-5], "layer0.bias must have dimensions from 0 to"),
    (("layers", 0, "bias", "shape"), [5.0], "layer0.bias must have dimensions from 0 to"),
    (("layers", 0, "bias", "shape"), [True], "layer0.bias must have dimensions from 0 to"),
    (("layers", 0, "bias", "shape"), [2**62], "layer0.bias must have dimensions from 0 to"),
    (("layers", 0, "bias", "shape"), [5, 1], "layer0.bias must have shape (5, 1), not (5,)"),
    (("layers", 0, "bias", "shape"), [2**30], "layer0.bias has 168 bytes, but shape (1073741824,"),
    (("layers", 0, "bias", "dtype"), "float32", "layer0.bias must be float32, not float64"),
    (("layers", 0, "bias"), {"shape": [5]}, "layer0.bias lacks dtype"),
    (("source", "layers", 0, "kind"), "tanh", "source.layer0 must be one of"),
    (("source", "provenance"), [], "source: provenance must be a mapping of JSON values, not []"),
    (("source",), {}, "source lacks input_shape"),
    (("source",), None, "it has entries that its header does not name: 'source.layer0.weight'"),
    (("timing",), "later", "timing must be one of instant, nest, spytorch, not 'later'"),
    (("decoding",), None, "decoding must be one of"),
    (("neuron", "reset"), "half", "reset must be one of"),
    (("neuron", "alpha"), "0", "alpha must be a number, not '0'"),
    (("n_steps",), 2**40, "n_steps must be an integer from 1 to 16777216, not 1099511627776"),
    (("n_steps",), 8.0, "n_steps must be an integer from 1 to 16777216, not 8.0"),
    (("input_shape",), [3], "layer 0: a dense layer takes 4 inputs, but is given (3,)"),
    (("input_shape",), [10**12], "input_shape [1000000000000] must be from 0 to 67108864"),
    (("env_id",), "a\x1b[31m", "env_id must be printable text or None"),
    (("provenance",), {"a": "\ud800"}, "provenance['a'] must be text that UTF-8 can express"),
]


@pytest.mark.parametrize(("path", "value", "message"), EDITS, ids=lambda v: str(v)[:40])
def test_header_values(
    refusal: Callable[[bytes], str],
    entries: Entries,
    path: tuple[Any, ...],
    value: Any,
    message: str,
) -> None:
    assert refusal(edited(entries, *path, value=value)).startswith(message)


def test_all_missing_arrays_are_listed(refusal: Callable[[bytes], str], entries: Entries) -> None:
    kept = {name: data for name, data in entries.items() if "bias" not in name}
    assert refusal(pack(kept)) == (
        "it lacks the arrays layer0.bias, layer1.bias, source.layer0.bias, source.layer1.bias"
    )


def test_extra_and_strange_entries(refusal: Callable[[bytes], str], entries: Entries) -> None:
    one = npy(np.zeros(1))
    assert "does not name: 'more'" in refusal(pack({**entries, "more.npy": one}))
    for name in ("../layer0.bias.npy", "/etc/passwd", "a/b.npy", "layer0.bias", "C:\\x", ""):
        assert f"its entry {name!r} must be an array" in refusal(pack({**entries, name: one}))
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = pack([*entries.items(), ("layer0.bias.npy", entries["layer0.bias.npy"])])
    assert refusal(twice) == "it has the entry 'layer0.bias.npy' twice"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compression_methods(
    refusal: Callable[[bytes], str], entries: Entries, method: int
) -> None:
    assert f"is compressed by method {method}: use stored" in refusal(pack(entries, method))


def test_encrypted_entries(refusal: Callable[[bytes], str], entries: Entries) -> None:
    data = bytearray(pack(entries))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert refusal(bytes(data)) == "its entry 'header.npy' is encrypted: save it unencrypted"


class Bomb:
    """Unpickling this would leave a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_pickled_objects_are_not_executed(
    refusal: Callable[[bytes], str], entries: Entries, tmp_path: Path
) -> None:
    mark = tmp_path / "executed"
    objects = np.empty((5,), object)
    objects[:] = [Bomb(mark)] * 5
    pickled = npy(objects, allow_pickle=True)
    for name in ("layer0.bias.npy", "header.npy"):
        assert "has values of type '|O'" in refusal(pack({**entries, name: pickled}))
    padded = pickled[:128] + pickled[128:].ljust(40, b"\0")[:40]
    assert "has values of type '|O'" in refusal(pack({**entries, "layer0.bias.npy": padded}))
    with np.testing.assert_raises(ValueError):
        np.load(io.BytesIO(pickled), allow_pickle=False)
    assert not mark.exists()
    np.load(io.BytesIO(pickled), allow_pickle=True)
    assert mark.exists(), "the bomb is a real one"


BAD_ARRAYS: list[tuple[bytes, str]] = [
    (npy(np.zeros(5) + np.nan), "layer0: bias of shape (5,) contains NaN or infinity"),
    (npy(np.zeros(5) - np.inf), "layer0: bias of shape (5,) contains NaN or infinity"),
    (npy(np.zeros(5, np.int64)), "layer0.bias has values of type '<i8'"),
    (npy(np.zeros(5, ">f8")), "layer0.bias has values of type '>f8'"),
    (npy(np.zeros(10, np.float32)), "layer0.bias must be float64, not float32"),
    (npy(np.zeros((5, 1))), "layer0.bias must have shape (5,), not (5, 1)"),
    (npy(np.zeros((1, 5))), "layer0.bias must have shape (5,), not (1, 5)"),
    (npy(np.zeros(6))[:168], "layer0.bias must have shape (5,), not (6,)"),
    (npy(np.zeros(5)) + b"\0", "layer0.bias must have exactly 40 bytes of values"),
    (npy(np.zeros(5))[:-1], "layer0.bias must have exactly 40 bytes of values"),
    (b"\0" * 168, "layer0.bias is no array of .npy version 1.0, but begins b'\\x00"),
    (b"\x93NUMPY\x03\x00" + bytes(160), "layer0.bias is no array of .npy version 1.0"),
    (b"\x93NUMPY\x01\x00\xff\xff" + bytes(158), "layer0.bias is described in 65535 bytes"),
    (
        b"\x93NUMPY\x01\x00\x76\x00" + b"__import__('os')".ljust(158),
        "layer0.bias is no plain array, but b\"__import__('os')",
    ),
    (b"", "layer0.bias has 0 bytes, but shape (5,) of float64 needs 40"),
]


@pytest.mark.parametrize(("data", "message"), BAD_ARRAYS, ids=range(len(BAD_ARRAYS)))
def test_arrays(
    refusal: Callable[[bytes], str], entries: Entries, data: bytes, message: str
) -> None:
    assert refusal(pack({**entries, "layer0.bias.npy": data})).startswith(message)


def peak_bytes(call: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def zeros_npy(shape: str, n_bytes: int) -> bytes:
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + bytes(n_bytes)


def test_zip_bombs_are_refused_before_they_unpack(
    refusal: Callable[[bytes], str], entries: Entries
) -> None:
    size = 2**27
    header = read_header_json(entries)
    header["layers"][0]["weight"]["shape"] = [4, size // 32]
    honest = with_header(entries, header)
    honest["layer0.weight.npy"] = zeros_npy(f"(4, {size // 32})", size)
    hidden = {**entries, "layer0.weight.npy": zeros_npy("(4, 5)", size)}
    header_bomb = with_header(entries, " " * size)
    for bomb in (honest, hidden, header_bomb):
        data = pack(bomb, zipfile.ZIP_DEFLATED)
        assert len(data) < size // 500
        messages = []
        assert peak_bytes(lambda data=data, to=messages: to.append(refusal(data))) < 2**22
        assert "more than the 16777216 allowed" in messages[0]


def test_lies_about_sizes_unpack_no_more_than_declared(
    refusal: Callable[[bytes], str], entries: Entries
) -> None:
    """The table says 288 bytes, the deflated stream holds 128 MiB."""
    size = 2**27
    bomb = {**entries, "layer0.weight.npy": zeros_npy("(4, 5)", size)}
    data = bytearray(pack(bomb, zipfile.ZIP_DEFLATED))
    declared = (size + 128).to_bytes(4, "little")
    assert data.count(declared) == 2
    data = data.replace(declared, (288).to_bytes(4, "little"))
    messages: list[str] = []
    assert peak_bytes(lambda: messages.append(refusal(bytes(data)))) < 2**22
    assert "its entry 'layer0.weight' is damaged: Bad CRC-32" in messages[0]


def test_huge_promises_allocate_nothing(refusal: Callable[[bytes], str], entries: Entries) -> None:
    huge = {**entries, "layer0.weight.npy": zeros_npy(f"({2**40}, {2**20})", 160)}
    messages: list[str] = []
    assert peak_bytes(lambda: messages.append(refusal(pack(huge)))) < 2**22
    assert f"must have shape (4, 5), not ({2**40}, {2**20})" in messages[0]
    data = edited(entries, "layers", 0, "weight", "shape", value=[2**30] * 4)
    assert peak_bytes(lambda: messages.append(refusal(data))) < 2**22
    assert "but shape (1073741824, 1073741824, 10737" in messages[1]


def test_tables_of_too_many_entries(refusal: Callable[[bytes], str], entries: Entries) -> None:
    many = {**entries, **{f"x{i}.npy": b"" for i in range(10_001)}}
    data = pack(many)
    messages: list[str] = []
    assert peak_bytes(lambda: messages.append(refusal(data))) < 2**22
    assert "more than the 10000" in messages[0]


def test_zip64_and_comments(refusal: Callable[[bytes], str], entries: Entries) -> None:
    data = pack(entries)
    end = data[-22:]
    assert "zip64" in refusal(data[:-22] + b"PK\x06\x07" + bytes(16) + end)
    assert "commented archive" in refusal(data[:-2] + b"\x05\x00")
    for comment in (b"hello", b"PK\x05\x06" + bytes(18)):
        stream = io.BytesIO(data)
        with zipfile.ZipFile(stream, "a") as archive:
            archive.comment = comment
        assert refusal(stream.getvalue())
