"""A Stable-Baselines3 .zip file: what can be read of it without unpickling.

The entry ``data`` is JSON in which every Python object appears twice: pickled, which is never
read here, and as text for people, which is.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsqn_fast.errors import ModelFileError
from dsqn_fast.importers.operations import Floats
from dsqn_fast.importers.plain_arrays import MAX_BYTES
from dsqn_fast.importers.tensor_files import load_tensor_file, tensor_arrays
from dsqn_fast.model.layers import Shape

MAX_DATA_BYTES = 2**28
"""Most bytes of ``data``; a saved replay buffer's last observations can be several megabytes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sb3Archive:
    """The readable parts of an agent.

    Attributes:
        path: The file.
        data: The JSON of the entry ``data``.
        tensors: The policy's state_dict.
        version: Version of Stable-Baselines3 that saved it, where stated.
    """

    path: Path
    data: Mapping[str, Any]
    tensors: Mapping[str, Floats]
    version: str | None

    def policy_option(self, name: str) -> Any:
        """An entry of ``policy_kwargs`` as JSON has it, or None."""
        options = self.data.get("policy_kwargs")
        return options.get(name) if isinstance(options, Mapping) else None

    def policy_class_name(self, name: str) -> str | None:
        """The last part of a class in ``policy_kwargs``: ``<class 'a.b.ReLU'>`` is ``ReLU``."""
        found = re.fullmatch(r"<class '(?:[\w.]*\.)?(\w+)'>", str(self.policy_option(name)))
        return found.group(1) if found else None

    def space(self, name: str) -> Mapping[str, Any]:
        """``observation_space`` or ``action_space`` as JSON has it."""
        space = self.data.get(name)
        return space if isinstance(space, Mapping) else {}

    def space_kind(self, name: str) -> str:
        """``Box``, ``Discrete``, ``Dict``, ... or an empty string."""
        found = re.fullmatch(r"<class '[\w.]*\.(\w+)'>", str(self.space(name).get(":type:")))
        return found.group(1) if found else ""

    def observation_shape(self) -> Shape | None:
        """Shape of an observation as the policy takes it, where stated."""
        space = self.space("observation_space")
        text = str(space.get("_shape", space.get("shape")))
        if not re.fullmatch(r"[\[(][\d, ]*[\])]", text):
            return None
        return tuple(int(number) for number in re.findall(r"\d+", text))


def read_sb3_archive(path: Path) -> Sb3Archive:
    """Read an agent's JSON and tensors.

    Raises:
        ModelFileError: It is no such file, damaged, too large, or its tensors are pickled with
            other objects.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            missing = [name for name in ("data", "policy.pth") if name not in names]
            if missing:
                raise ModelFileError(
                    f"{path} has no entry {missing[0]!r} but {names[:5]}: give a file that "
                    "Stable-Baselines3's save() wrote"
                )
            data = _entry(archive, path, "data", MAX_DATA_BYTES)
            policy = _entry(archive, path, "policy.pth", MAX_BYTES)
            stated = "_stable_baselines3_version"
            version = _entry(archive, path, stated, 100) if stated in names else b""
    except ModelFileError:
        raise
    except Exception as error:  # zipfile and zlib fail in many ways on damaged files
        raise ModelFileError(f"{path} is not a readable .zip file ({error})") from None
    tensors = load_tensor_file(io.BytesIO(policy), f"policy.pth in {path}")
    if not isinstance(tensors, Mapping):
        raise ModelFileError(
            f"policy.pth in {path} holds a {type(tensors).__name__}, not a state_dict: "
            "save the agent again"
        )
    return Sb3Archive(
        path=path,
        data=_json(data, path),
        tensors=tensor_arrays(tensors, f"policy.pth in {path}"),
        version=version.decode("ascii", "replace").strip() or None,
    )


def _entry(archive: zipfile.ZipFile, path: Path, name: str, limit: int) -> bytes:
    size = archive.getinfo(name).file_size
    if size > limit:
        raise ModelFileError(f"{path}: the entry {name!r} has {size} bytes, more than {limit}")
    with archive.open(name) as entry:
        return entry.read(limit)


def _json(data: bytes, path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{path}: the entry 'data' is not JSON ({error})") from None
    if not isinstance(content, dict):
        raise ModelFileError(
            f"{path}: the entry 'data' is a JSON {type(content).__name__}, not an object"
        )
    return content
