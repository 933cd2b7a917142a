"""Study files: TOML in, a checked `Study` out.

``docs/studies.md`` describes the format by an example.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from dsqn_fast.errors import StudyFileError
from dsqn_fast.model.checks import shown
from dsqn_fast.studies.factors import FACTORS, unknown
from dsqn_fast.studies.metrics import EPISODIC, METRICS
from dsqn_fast.studies.sections import Section
from dsqn_fast.studies.study import (
    AXES,
    POLICY,
    VARIANT,
    FigureSpec,
    PolicySource,
    Published,
    Setting,
    Study,
    Training,
    Variant,
    WinnerSpec,
)
from dsqn_fast.training.methods import METHODS

MAX_BYTES: Final = 1_000_000
KEYS: Final = (
    "title",
    "question",
    "thesis",
    "notes",
    "reference",
    "episodes",
    "metrics",
    "policies",
    "fixed",
    "grid",
    "variants",
    "variant_title",
    "figure",
    "winner",
    "published",
)
POLICY_KEYS: Final = (
    "name",
    "file",
    "train",
    "env",
    "observations",
    "max_episode_steps",
    "preprocessing",
    "as_it_is",
    "trained_spiking",
    "group",
    "fixed",
)


def read_study(path: str | Path, catalogue: Mapping[str, PolicySource] | None = None) -> Study:
    """Read a study file.

    Args:
        path: A TOML file.
        catalogue: Policies that a study may name without describing them.

    Raises:
        StudyFileError: It is missing, no TOML, or asks for something unknown; the message
            names line and key.
    """
    target = Path(path)
    try:
        if target.stat().st_size > MAX_BYTES:
            raise StudyFileError(f"{path}: a study file has at most {MAX_BYTES} bytes")
        text = target.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise StudyFileError(f"{path}: is no text in UTF-8 (byte {error.start})") from None
    except OSError as error:
        raise StudyFileError(
            f"there is no study file {str(path)!r} that can be read ({error.strerror})"
        ) from None
    return parse_study(text, name=target.stem, origin=str(path), catalogue=catalogue or {})


def parse_study(
    text: str, *, name: str, origin: str, catalogue: Mapping[str, PolicySource]
) -> Study:
    """A study from the text of its file; see `read_study`."""
    top = Section(parse_toml(text, origin), text, origin)
    top.only(KEYS)
    variants = _variants(top)
    grid = _grid(top)
    axes = (*AXES, *FACTORS)
    metrics = top.texts("metrics", ("return", "agreement"))
    top.among("metrics", metrics, METRICS, "metric")
    return Study(
        name=name,
        title=top.text_of("title"),
        question=top.text_of("question"),
        thesis=top.texts("thesis"),
        notes=top.text_of("notes", "-") if "notes" in top.data else "",
        reference=top.flag("reference", True),
        episodes=top.count("episodes", 100),
        metrics=metrics,
        policies=_policies(top, catalogue),
        fixed=top.table("fixed").settings(),
        grid=grid,
        variants=variants,
        variant_title=top.text_of("variant_title", VARIANT),
        figure=_figure(top, axes),
        winner=_winner(top, axes),
        published=tuple(_published(one) for one in top.tables("published")),
        text=text,
    )


def parse_toml(text: str, origin: str) -> dict[str, Any]:
    """The tables of a TOML text.

    Raises:
        StudyFileError: It is no TOML; the message names line and column.
    """
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        reason = " ".join(str(error).split()) or "nested too deeply"
        raise StudyFileError(f"{origin}: is no TOML: {reason}") from None


def _grid(top: Section) -> dict[str, tuple[Setting, ...]]:
    section = top.table("grid")
    grid: dict[str, tuple[Setting, ...]] = {}
    for key, values in section.data.items():
        if key not in FACTORS:
            section.refuse(unknown("factor", key, FACTORS), key)
        if not isinstance(values, list) or not values:
            section.refuse(f"must be a list of at least one value, not {shown(values)}", key)
        checked = tuple(section.setting(key, value) for value in values)
        if len(set(checked)) < len(checked):
            section.refuse("has the same value twice", key)
        grid[key] = checked
    return grid


def _variants(top: Section) -> tuple[Variant, ...]:
    variants = tuple(
        Variant(name=one.text_of("name"), settings=one.settings(leave_out=("name",)))
        for one in top.tables("variants")
    )
    names = [variant.name for variant in variants]
    if len(set(names)) < len(names):
        top.refuse("two variants have the same name", "variants")
    return variants


def _policies(top: Section, catalogue: Mapping[str, PolicySource]) -> tuple[PolicySource, ...]:
    listed = top.data.get("policies", [])
    if not isinstance(listed, list) or not listed:
        top.refuse("a study needs a list of at least one policy", "policies")
    found = []
    for place, item in enumerate(listed):
        if isinstance(item, str):
            top.among("policies", [item], catalogue, "policy")
            found.append(catalogue[item])
        elif isinstance(item, Mapping):
            path = (*top.path, "policies", place)
            found.append(read_policy(Section(item, top.text, top.origin, path)))
        else:
            top.refuse(f"holds names or tables, not {shown(item)}", "policies")
    names = [policy.name for policy in found]
    if len(set(names)) < len(names):
        top.refuse("two policies have the same name", "policies")
    return tuple(found)


def read_policy(section: Section) -> PolicySource:
    """A policy from its table.

    Raises:
        StudyFileError: A key is missing, unknown or wrong.
    """
    section.only(POLICY_KEYS)
    env_id = section.optional_text("env")
    if env_id is not None and ":" in env_id:
        section.refuse(f"names a module to import, {shown(env_id)}: pass it with --env", "env")
    return PolicySource(
        name=section.text_of("name"),
        file=section.text_of("file", "" if "train" in section.data else None),
        train=_training(section),
        env_id=env_id,
        observations=section.optional_text("observations"),
        max_episode_steps=section.count("max_episode_steps", None),
        preprocessing=section.optional_text("preprocessing"),
        as_it_is=section.flag("as_it_is", False),
        trained_spiking=section.flag("trained_spiking", False),
        group=section.optional_text("group"),
        fixed=section.table("fixed").settings(),
    )


def _training(section: Section) -> Training | None:
    if "train" not in section.data:
        return None
    if "file" in section.data:
        section.refuse("has a file and a training: leave one of them out", "train")
    if "env" not in section.data:
        section.refuse("a training needs an environment: add 'env'", "train")
    inner = section.table("train")
    inner.only(("method", "seeds", "preset", "set"))
    method = inner.text_of("method")
    inner.among("method", [method], METHODS, "training method")
    changes = inner.table("set").data
    for name, value in changes.items():
        if not isinstance(value, str | int | float | bool):
            inner.refuse(f"{name} must be one value, not {shown(value)}", "set")
    return Training(
        method=method,
        seeds=inner.count("seeds", 5),
        preset=inner.text_of("preset", "default"),
        changes=dict(changes),
    )


def _figure(top: Section, axes: tuple[str, ...]) -> FigureSpec | None:
    section = top.table("figure")
    if not section.data:
        return None
    section.only(("x", "y", "series", "log"))
    x, y, series = section.text_of("x"), section.texts("y"), section.optional_text("series")
    section.among("x", [x], (*axes, *METRICS), "factor or metric")
    section.among("y", y, METRICS, "metric")
    if not y:
        section.refuse("a figure needs at least one metric", "y")
    if series is not None:
        section.among("series", [series], axes, "factor")
    return FigureSpec(x=x, y=y, series=series, log=section.flag("log", False))


def _winner(top: Section, axes: tuple[str, ...]) -> WinnerSpec | None:
    section = top.table("winner")
    if not section.data:
        return None
    section.only(("among", "metric"))
    among, metric = section.text_of("among"), section.text_of("metric", "return")
    section.among("among", [among], axes, "factor")
    section.among("metric", [metric], EPISODIC, "metric of episodes")
    return WinnerSpec(among=among, metric=metric)


def _published(section: Section) -> Published:
    own = ("std", "source", "role")
    section.only((*AXES, *FACTORS, *METRICS, *own))
    values = {name: section.number(name) for name in METRICS if name in section.data}
    if not values:
        section.refuse(f"needs a value of one of {', '.join(METRICS)}")
    where: dict[str, Setting] = {
        name: section.text_of(name) for name in AXES if name in section.data
    }
    where |= section.settings(leave_out=(*AXES, *METRICS, *own))
    role = section.text_of("role", "spiking")
    section.among("role", [role], ("spiking", "source"), "role")
    return Published(
        where=where,
        values=values,
        std=section.number("std") if "std" in section.data else None,
        source=section.text_of("source", "-"),
        role=role,
    )


__all__ = ["POLICY", "VARIANT", "parse_study", "parse_toml", "read_policy", "read_study"]
