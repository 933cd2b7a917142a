"""Ways to damage or forge a policy file, each drawn from a random generator.

Mutations of bytes leave the checksums as they were; mutations of entries make new ones, so that
the damage reaches the code behind them.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from policy_entries import Entries, from_npy, npy, pack, read_entries, read_header_json, with_header

Rng = np.random.Generator

WRONG_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 7, 2**31, 2**63, -(2**70), 10**400, 0.5, 1e308, -1e-320),
    *("", "dense", "float32", "potential", "\0", "\ud800", "../x", "x" * 5000),
    *([], [[]], [0], [-1], [2**40], [1, 2, 3, 4, 5], [None], ["a"], [1.5], {}, {"kind": "dense"}),
)
TYPES = ("i1", "u1", "<i4", "<i8", "<f2", "<f4", ">f4", "<f8", ">f8", "<c16", "?", "S4", "<U2")
NAMES = (
    *("header.npy", "layer0.weight.npy", "layer9.weight.npy", "LAYER0.BIAS.NPY", "x.npy", ".npy"),
    *("../../etc/passwd", "/layer0.bias.npy", "a/b.npy", "layer0.bias", "", "é.npy", "a" * 9999),
)


class Touch:
    """Unpickling this leaves a file behind."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def truncated(data: bytes, rng: Rng) -> bytes:
    return data[: rng.integers(len(data))]


def bits_flipped(data: bytes, rng: Rng, first: int = 0) -> bytes:
    changed = bytearray(data)
    for position in rng.integers(first, len(data), size=rng.integers(1, 9)):
        changed[position] ^= 1 << rng.integers(8)
    return bytes(changed)


def directory_flipped(data: bytes, rng: Rng) -> bytes:
    return bits_flipped(data, rng, first=data.rindex(b"PK\x01\x02"))


def overwritten(data: bytes, rng: Rng) -> bytes:
    start, size = rng.integers(len(data)), rng.integers(1, 65)
    return data[:start] + rng.bytes(size) + data[start + size :]


def shifted(data: bytes, rng: Rng) -> bytes:
    start, size = rng.integers(len(data)), rng.integers(1, 65)
    if rng.integers(2):
        return data[:start] + data[start + size :]
    return data[:start] + rng.bytes(size) + data[start:]


def spliced(data: bytes, rng: Rng) -> bytes:
    a, b = sorted(rng.integers(len(data), size=2))
    return data[:b] + data[a:]


def _name(entries: Entries, rng: Rng) -> str:
    return list(entries)[rng.integers(len(entries))]


def renamed(entries: Entries, rng: Rng) -> Any:
    old, new = _name(entries, rng), NAMES[rng.integers(len(NAMES))]
    return [(new if name == old else name, data) for name, data in entries.items()]


def removed_or_added(entries: Entries, rng: Rng) -> Any:
    if rng.integers(2):
        gone = {_name(entries, rng) for _ in range(rng.integers(1, 4))}
        return {name: data for name, data in entries.items() if name not in gone}
    return {**entries, NAMES[rng.integers(len(NAMES))]: rng.bytes(rng.integers(200))}


def swapped(entries: Entries, rng: Rng) -> Any:
    a, b = _name(entries, rng), _name(entries, rng)
    return {**entries, a: entries[b], b: entries[a]}


def retyped(entries: Entries, rng: Rng) -> Any:
    name = _name(entries, rng)
    array = from_npy(entries[name])
    with np.errstate(all="ignore"):
        kind = TYPES[rng.integers(len(TYPES))]
        array = array.astype("f4").astype(kind) if rng.integers(2) else array.astype(kind)
    if rng.integers(2):
        array = array.reshape(-1, 1) if rng.integers(2) else array.T
    return {**entries, name: npy(array)}


def pickled(entries: Entries, rng: Rng, mark: Path) -> Any:
    name = _name(entries, rng)
    objects = np.empty(from_npy(entries[name]).shape, object)
    objects.fill(Touch(mark))
    data = npy(objects, allow_pickle=True)
    if rng.integers(2):
        data = data[:128].replace(b"'|O'", b"'<f8'" if rng.integers(2) else b"'|V8'") + data[128:]
    return {**entries, name: data}


def preamble_flipped(entries: Entries, rng: Rng) -> Any:
    name = _name(entries, rng)
    data = bits_flipped(entries[name][:80], rng) + entries[name][80:]
    return {**entries, name: data}


def not_finite(entries: Entries, rng: Rng) -> Any:
    floats = [name for name, data in entries.items() if from_npy(data).dtype.kind == "f"]
    name = floats[rng.integers(len(floats))]
    array = from_npy(entries[name]).copy()
    array.flat[rng.integers(array.size)] = [np.nan, np.inf, -np.inf][rng.integers(3)]
    return {**entries, name: npy(array)}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every key and index inside a JSON value."""
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    return [p for key, item in items for p in [(*path, key), *places(item, (*path, key))]]


def with_value(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy of a JSON value that has ``new`` at ``path``."""
    copy = value.copy()
    copy[path[0]] = new if len(path) == 1 else with_value(value[path[0]], path[1:], new)
    return copy


def _place(header: Any, rng: Rng) -> tuple[Any, ...]:
    all_places = places(header)
    return all_places[rng.integers(len(all_places))]


def header_value_changed(entries: Entries, rng: Rng) -> Any:
    header = read_header_json(entries)
    for _ in range(rng.integers(1, 3)):
        wrong = WRONG_VALUES[rng.integers(len(WRONG_VALUES))]
        header = with_value(header, _place(header, rng), wrong)
    return with_header(entries, header)


def header_keys_changed(entries: Entries, rng: Rng) -> Any:
    header = read_header_json(entries)
    path = _place(header, rng)
    parent = header
    for key in path[:-1]:
        parent = parent[key]
    taken = parent.pop(path[-1])
    if isinstance(parent, dict) and rng.integers(2):
        parent[["Kind", "weights", "", "kind"][rng.integers(4)]] = taken
    return with_header(entries, header)


def header_text_changed(entries: Entries, rng: Rng) -> Any:
    text = from_npy(entries["header.npy"]).tobytes()
    change = (truncated, bits_flipped, overwritten, shifted, spliced)[rng.integers(5)]
    changed = change(text, rng)
    return {**entries, "header.npy": npy(np.frombuffer(changed, np.uint8))}


def header_nested(entries: Entries, rng: Rng) -> Any:
    header = json.dumps(read_header_json(entries))
    depth = int(rng.integers(20, 50_000))
    deep = "[" * depth + "]" * depth if rng.integers(2) else '{"a":' * depth + "0" + "}" * depth
    return with_header(entries, header.replace("null", deep, 1))


BYTES: tuple[Callable[[bytes, Rng], bytes], ...] = (
    *(truncated, bits_flipped, directory_flipped, overwritten, shifted, spliced),
)
"""Mutations that a checksum or a comparison must find: never another model than the first."""

ENTRIES: tuple[Callable[[Entries, Rng], Any], ...] = (
    *(renamed, removed_or_added, swapped, retyped, preamble_flipped, not_finite),
    *(header_value_changed, header_keys_changed, header_text_changed, header_nested),
)


def mutate_entries(data: bytes, change: Callable[[Entries, Rng], Any], rng: Rng) -> bytes:
    """A new archive with valid checksums, sometimes deflated."""
    method = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED][rng.integers(2)]
    return pack(change(read_entries(data), rng), method)
