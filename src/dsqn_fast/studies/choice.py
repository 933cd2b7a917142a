"""A study as the command line asks for it: by name or file, with changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dsqn_fast.errors import OptionError
from dsqn_fast.studies.catalogue import load_study
from dsqn_fast.studies.factors import FACTORS, check_factor, unknown
from dsqn_fast.studies.study import PolicySource, Setting, Study


def choose(
    name: str,
    *,
    policies: Sequence[str] = (),
    env_id: str | None = None,
    factors: Sequence[str] = (),
) -> tuple[Study, Path | None]:
    """A study with the changes that the command line asks for.

    Args:
        name: A study that comes with the package, or the file of one.
        policies: Files of policies instead of the study's own.
        env_id: Environment of ``policies``; without them, only policies that play it.
        factors: ``"name=value,value"``: other values of a factor.

    Returns:
        The study, and its file where it was read from one.

    Raises:
        StudyFileError: There is no such study, or its file is broken.
        OptionError: A factor is unknown, a value is none of its values, or no policy is left.
    """
    study = load_study(name)
    file = Path(name) if name.endswith(".toml") or "/" in name else None
    if policies:
        study = replace(study, policies=tuple(_policies(policies, env_id)))
    elif env_id is not None:
        kept = tuple(one for one in study.policies if one.env_id == env_id)
        if not kept:
            known = sorted({one.env_id for one in study.policies if one.env_id is not None})
            raise OptionError(
                f"no policy of study {study.name!r} plays {env_id!r} (they play "
                f"{', '.join(known)}): give policies with --policy"
            )
        study = replace(study, policies=kept)
    grid = dict(study.grid)
    for words in factors:
        factor, values = _factor(words)
        grid[factor] = values
    return replace(study, grid=grid), file


def _policies(files: Sequence[str], env_id: str | None) -> list[PolicySource]:
    names = [Path(file).stem for file in files]
    return [
        PolicySource(
            # Two files of one name in different folders keep their folders.
            name=name if names.count(name) == 1 else file,
            file=file,
            env_id=env_id,
            required=True,
        )
        for name, file in zip(names, files, strict=True)
    ]


def _factor(words: str) -> tuple[str, tuple[Setting, ...]]:
    name, equals, text = words.partition("=")
    if not equals or not text:
        raise OptionError(f"--set takes NAME=VALUES such as n_steps=10,50, not {words!r}")
    if name not in FACTORS:
        raise OptionError(unknown("factor", name, FACTORS))
    values = tuple(check_factor(name, _value(name, word)) for word in text.split(","))
    return name, tuple(dict.fromkeys(values))


def _value(name: str, word: str) -> Any:
    """A word as the type that the factor has; what does not fit is refused by its check."""
    default = FACTORS[name].default
    try:
        if isinstance(default, bool):
            return {"true": True, "false": False}[word]
        return type(default)(word)
    except (ValueError, KeyError):
        return word
