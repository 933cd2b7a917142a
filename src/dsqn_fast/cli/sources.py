"""Source networks as commands take them: a file of any known kind, or a policy's own source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dsqn_fast.model import AnnModel, SpikingModel


def load_spiking(policy: Path) -> SpikingModel:
    """The spiking policy in a policy file, or in a NIR graph with neurons (``.nir``).

    Raises:
        As `load_policy` and `load_nir`.
    """
    if policy.suffix.lower() == ".nir":
        from dsqn_fast.importers import load_nir

        return load_nir(policy)
    from dsqn_fast.model_io import load_policy

    return load_policy(policy)


def load_source(
    source: str, *, env_id: str | None = None, options: Mapping[str, Any] | None = None
) -> AnnModel:
    """The source network in a file.

    Args:
        source: A file that `load_ann` reads, or a policy file that carries its source.
        env_id: Environment, where the file does not say.
        options: More that the file does not say: keyword arguments of `load_ann`.

    Raises:
        OptionError: There are options, but the file is a policy.
        ModelFileError: The file is neither, is damaged, or the policy has no source.
    """
    from dsqn_fast.model_io import is_policy_file

    if not is_policy_file(source):
        from dsqn_fast.importers import load_ann

        return load_ann(source, env_id=env_id, **(options or {}))
    from dsqn_fast.cli.source_options import refuse_source_options
    from dsqn_fast.errors import ModelFileError
    from dsqn_fast.model_io import load_policy

    refuse_source_options(options or {}, "the source is a policy file, which says all of it")
    ann = load_policy(source).source
    if ann is None:
        raise ModelFileError(
            f"{source}: the policy does not carry its source network: give the source's own file"
        )
    return ann


def notes_of(source: AnnModel | None) -> list[str]:
    """What was folded into a source network, left out or assumed when it was read."""
    notes = None if source is None else source.provenance.get("notes")
    return [str(note) for note in notes] if isinstance(notes, list) else []
