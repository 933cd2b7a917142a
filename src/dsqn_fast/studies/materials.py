"""What cells are computed from: networks and observations, read once and sent along."""

from __future__ import annotations

import glob
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import StudyError
from dsqn_fast.importers import load_ann
from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.studies.study import PolicySource, Training


@dataclass(frozen=True, kw_only=True, eq=False)
class Material:
    """A policy in memory; it can be sent to another process or machine.

    Attributes:
        policy: Where it came from.
        training_seed: Seed of the training that makes it; None where it is trained already.
        ann: The source network; None where the policy plays as it is and has none.
        model: The spiking policy that plays as it is; None where the source is converted.
        observations: (B, *shape) for calibration; None lets the source network play.
        sha256: Hash of the file, and of the observations' where there are any.
    """

    policy: PolicySource
    ann: AnnModel | None
    model: SpikingModel | None
    observations: NDArray[Any] | None
    sha256: tuple[str, ...]
    training_seed: int | None = None

    @property
    def env_id(self) -> str:
        """Environment that it plays."""
        network = self.ann if self.ann is not None else self.model
        name = self.policy.env_id or (network.env_id if network is not None else None)
        if name is None:
            raise StudyError(
                f"the file of policy {self.policy.name!r} names no environment: give one with "
                "--env, or with 'env' in the study file"
            )
        return name

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an observation."""
        network = self.ann if self.ann is not None else self.model
        return () if network is None else tuple(network.input_shape)

    def describe(self) -> dict[str, Any]:
        """What it is, for the provenance."""
        network = self.ann if self.ann is not None else self.model
        shapes = () if network is None else network.shapes()
        layers = [int(np.prod(shape)) for shape in shapes]
        training = None if self.policy.train is None else asdict(self.policy.train)
        return {
            "name": self.policy.name,
            "file": Path(self.policy.file).name,
            "training": training,
            "training_seed": self.training_seed,
            "sha256": list(self.sha256),
            "env_id": self.env_id,
            "layers": layers,
            "as_it_is": self.model is not None,
        }


def load_materials(
    policies: Sequence[PolicySource], folders: Sequence[Path]
) -> tuple[list[Material], list[str]]:
    """Read policies.

    Args:
        policies: What to read.
        folders: Where files are looked for, in this order.

    Returns:
        The policies that are there, and a sentence about each that is left out.

    Raises:
        StudyError: A required policy is not there, or none is.
        ModelFileError: A file is damaged.
        ObservationError: Observations do not fit.
    """
    materials, left_out = [], []
    for policy in policies:
        if policy.train is not None:
            materials += _to_train(policy, policy.train)
            continue
        found = _find(policy, folders)
        materials += [_load(one, path, folders) for one, path in found]
        if found:
            continue
        places = ", ".join(map(str, folders))
        sentence = f"{policy.name} is left out: there is no file {policy.file!r} in {places}"
        if policy.required:
            raise StudyError(
                f"policy {policy.name!r} has no file {policy.file!r} in {places}: give its "
                "folder with --data"
            )
        left_out.append(sentence)
    if not materials:
        raise StudyError(
            f"the files of none of the study's {len(policies)} policies are there "
            f"({policies[0].file!r}, ...): give their folder with --data, or policies of your "
            "own with --policy"
        )
    return materials, left_out


def search_folders(data: Sequence[Path], study_file: Path | None) -> list[Path]:
    """Where the files of policies are looked for.

    These are the folders given, the working folder, that of the study file, and for a source
    checkout its root and ``../shared/data``.
    """
    root = Path(__file__).resolve().parents[3]
    own = [] if study_file is None else [study_file.resolve().parent]
    places = [*data, Path(), *own, root, root.parent / "shared" / "data"]
    return list(dict.fromkeys(place.resolve() for place in places if place.is_dir()))


def _to_train(policy: PolicySource, training: Training) -> list[Material]:
    """Policies that their cells will train.

    A training is the same whatever others are asked for beside it: a study may grow by seeds.
    """
    what = {name: value for name, value in asdict(training).items() if name != "seeds"}
    named = (
        (replace(policy, name=f"{policy.name} {seed}", group=policy.name), seed)
        for seed in range(training.seeds)
    )
    return [
        Material(
            policy=one,
            ann=None,
            model=None,
            observations=None,
            sha256=(json.dumps([what, seed], sort_keys=True),),
            training_seed=seed,
        )
        for one, seed in named
    ]


def _find(policy: PolicySource, folders: Sequence[Path]) -> list[tuple[PolicySource, Path]]:
    """The policy and its file; a pattern gives a policy of its group for every file."""
    if "*" not in policy.file:
        path = find_file(policy.file, folders)
        return [] if path is None else [(policy, path)]
    for folder in folders:
        # Not Path.glob: the user may give a whole path.
        names = sorted(glob.glob(policy.file, root_dir=folder))  # noqa: PTH207
        paths = [folder / name for name in names]
        if paths:
            return [
                (replace(policy, name=f"{policy.name} {place}", group=policy.name), path)
                for place, path in enumerate(paths)
            ]
    return []


def find_file(file: str, folders: Sequence[Path]) -> Path | None:
    """The first file of that name in the folders; None where there is none."""
    for folder in folders:
        path = folder / file
        try:
            if path.is_file():
                return path
        except OSError:  # a name that is too long for a file
            return None
    return None


def _load(policy: PolicySource, path: Path, folders: Sequence[Path]) -> Material:
    hashes = [_hash(path)]
    model, ann = None, None
    if policy.as_it_is:
        from dsqn_fast.model_io import load_policy

        model = load_policy(path)
        ann = model.source
    else:
        ann = load_ann(path, env_id=policy.env_id)
        if policy.preprocessing is not None:
            ann = replace(ann, preprocessing={"name": policy.preprocessing})
    observations = None
    if policy.observations is not None:
        from dsqn_fast.conversion.observation_files import load_observations

        seen = find_file(policy.observations, folders)
        if seen is None:
            raise StudyError(
                f"policy {policy.name!r} has no calibration file {policy.observations!r} in "
                f"{', '.join(map(str, folders))}: give its folder with --data"
            )
        observations = load_observations(seen)
        hashes.append(_hash(seen))
    return Material(
        policy=policy, ann=ann, model=model, observations=observations, sha256=tuple(hashes)
    )


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
