"""Ten thousand damaged and forged policy files: every one is refused or is a valid model."""

from __future__ import annotations

import functools
import resource
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mutations
import numpy as np
import pytest
from policy_entries import pack, read_entries, read_header_json, with_header
from policy_models import scaled_model, small_model, version_1_model
from strategies import models_equal

from dsqn_fast.errors import ModelFileError
from dsqn_fast.model import SpikingModel
from dsqn_fast.model_io import load_policy, save_policy

N_KINDS = len(mutations.BYTES) + len(mutations.ENTRIES) + 1
BASES = ("dense", "images", "half", "deflated", "bytes")
N_EACH = -(-10_000 // (N_KINDS * len(BASES)))
SLOWEST_SECONDS = 2.0
MOST_EXTRA_BYTES = 2**27
"""Address space left to loading; a file that takes more is told by its message."""


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    path = tmp_path_factory.mktemp("bases") / "policy.npz"
    files = {}
    for name, model in (("dense", small_model()), ("images", version_1_model())):
        save_policy(model, path)
        files[name] = path.read_bytes()
    save_policy(version_1_model(), path, weights_dtype="float16")
    files["half"] = path.read_bytes()
    files["deflated"] = pack(read_entries(files["images"]), 8)
    save_policy(scaled_model(), path, weights_dtype="int8")
    files["bytes"] = path.read_bytes()
    assert tuple(files) == BASES
    return files


def load_or_refuse(path: Path, data: bytes) -> SpikingModel | None:
    """The model, or None where it was refused; anything else than these two escapes."""
    path.write_bytes(data)
    start = time.process_time()
    model, message = None, f"{path}: "
    try:
        model = load_policy(path)
    except ModelFileError as error:
        message = str(error)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert "do not fit in memory" not in message
    assert time.process_time() - start < SLOWEST_SECONDS
    return model


@contextmanager
def little_memory() -> Iterator[None]:
    """Let this process grow by MOST_EXTRA_BYTES and no more."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + MOST_EXTRA_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def run_mutations(
    base: bytes, make: Callable[[np.random.Generator], bytes], seed: int, folder: Path
) -> list[SpikingModel]:
    """Try N_EACH files; return the models of those that loaded."""
    rng = np.random.default_rng(seed)
    loaded = []
    with little_memory():
        for _ in range(N_EACH):
            model = load_or_refuse(folder / "mutated.npz", make(rng))
            if model is not None:
                loaded.append(model)
    return loaded


@pytest.mark.parametrize("name", BASES)
@pytest.mark.parametrize("kind", range(len(mutations.BYTES)))
def test_damaged_bytes(bases: dict[str, bytes], name: str, kind: int, tmp_path: Path) -> None:
    """A damaged file never becomes another model: it is refused, or the damage is in a date."""
    base = bases[name]
    (tmp_path / "base.npz").write_bytes(base)
    wanted = load_policy(tmp_path / "base.npz")
    change = mutations.BYTES[kind]
    for model in run_mutations(base, lambda rng: change(base, rng), kind, tmp_path):
        assert models_equal(model, wanted)


@pytest.mark.parametrize("name", BASES)
@pytest.mark.parametrize("kind", range(len(mutations.ENTRIES)))
def test_forged_entries(bases: dict[str, bytes], name: str, kind: int, tmp_path: Path) -> None:
    """A forged file is refused, or is a model that can be saved and loaded again."""
    base = bases[name]
    change = mutations.ENTRIES[kind]

    def make(rng: np.random.Generator) -> bytes:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Duplicate name")
            return mutations.mutate_entries(base, change, rng)

    for model in run_mutations(base, make, 100 + kind, tmp_path):
        save_policy(model, tmp_path / "again.npz")
        assert models_equal(load_policy(tmp_path / "again.npz"), model)


@pytest.mark.parametrize("name", BASES)
def test_pickled_entries(bases: dict[str, bytes], name: str, tmp_path: Path) -> None:
    """No object is ever unpickled, whatever type its array claims to have."""
    mark = tmp_path / "executed"
    change = functools.partial(mutations.pickled, mark=mark)
    make = functools.partial(mutations.mutate_entries, bases[name], change)
    assert run_mutations(bases[name], make, 200, tmp_path) == []
    assert not mark.exists()


def test_at_least_ten_thousand_files_are_tried() -> None:
    assert N_EACH * N_KINDS * len(BASES) >= 10_000


NULLABLE = ("early_exit", "env_id", "preprocessing", "source")
FREE = ("provenance", "preprocessing")


def may_load(path: tuple[Any, ...], old: Any, new: Any) -> bool:
    """Whether a value of this type may stand at this place of the header."""
    if any(key in FREE for key in path[:-1]) or (path[-1] in NULLABLE and new is None):
        return True
    number = (int, float)
    if isinstance(old, float):
        return type(new) in number
    return type(new) is type(old) or (path[-1] in NULLABLE and old is None)


@pytest.mark.parametrize("name", ["dense", "images"])
def test_every_header_value_of_a_wrong_type_is_refused(
    bases: dict[str, bytes], name: str, tmp_path: Path
) -> None:
    entries = read_entries(bases[name])
    header = read_header_json(entries)
    refused = 0
    for path in mutations.places(header):
        old = functools.reduce(lambda value, key: value[key], path, header)
        for new in mutations.WRONG_VALUES:
            changed = with_header(entries, mutations.with_value(header, path, new))
            model = load_or_refuse(tmp_path / "mutated.npz", pack(changed))
            refused += model is None
            assert model is None or may_load(path, old, new), (path, new)
    assert refused > 1000


@pytest.mark.parametrize("name", BASES)
def test_every_truncation_is_refused(bases: dict[str, bytes], name: str, tmp_path: Path) -> None:
    data = bases[name]
    for size in range(0, len(data), 7):
        assert load_or_refuse(tmp_path / "mutated.npz", data[:size]) is None
