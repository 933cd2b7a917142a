"""The studies and policies that come with the package."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

from dsqn_fast.errors import StudyFileError
from dsqn_fast.studies.factors import unknown
from dsqn_fast.studies.sections import Section
from dsqn_fast.studies.study import PolicySource, Study
from dsqn_fast.studies.study_file import parse_study, parse_toml, read_policy, read_study

POLICIES_FILE: Final = "policies.toml"


def study_names() -> list[str]:
    """Names of the studies that come with the package."""
    return sorted(
        file.name.removesuffix(".toml")
        for file in _files().iterdir()
        if file.name.endswith(".toml") and file.name != POLICIES_FILE
    )


@cache
def known_policies() -> dict[str, PolicySource]:
    """Policies that a study may name without describing them."""
    text = (_files() / POLICIES_FILE).read_text(encoding="utf-8")
    top = Section(parse_toml(text, POLICIES_FILE), text, POLICIES_FILE)
    return {name: read_policy(top.table(name)) for name in top.data}


def load_study(name: str) -> Study:
    """A study by the name that it comes with, or from a file of the user's.

    Raises:
        StudyFileError: There is none, or the file is broken.
    """
    if name.endswith(".toml") or "/" in name:
        return read_study(Path(name), known_policies())
    if name not in study_names():
        raise StudyFileError(
            f"{unknown('study', name, study_names())}; `dsqn-fast study list` shows all, and a "
            "file of your own ends in .toml"
        )
    text = (_files() / f"{name}.toml").read_text(encoding="utf-8")
    return parse_study(text, name=name, origin=f"{name}.toml", catalogue=known_policies())


def _files() -> resources.abc.Traversable:
    return resources.files("dsqn_fast.studies") / "files"
