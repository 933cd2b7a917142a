"""Rows of a study's table: the runs of one cell, measured and compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.statistics import PairedComparison, paired_comparison
from dsqn_fast.studies.compute import Row
from dsqn_fast.studies.measures import Measure, measure, returns_of
from dsqn_fast.studies.metrics import EPISODIC
from dsqn_fast.studies.study import POLICY, VARIANT, Published, Setting, Study

Bundle = tuple[str, str, str | None, tuple[tuple[str, Setting], ...]]
"""What the runs of one entry have in common: policy or group, role, variant, settings."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Entry:
    """The runs of one cell: several where there are several conversions or training seeds.

    Attributes:
        policy: Name of the policy, or of the group that differs by training seed.
        role: ``spiking`` or ``source``.
        variant: Name of the variant.
        settings: All factors; none for the source network.
        runs: Rows of finished runs.
        reason: Why the cell is impossible; None where it is not.
        published: What the thesis reports for it.
        env_id: Environment that it plays.
        source_returns: (episodes,) of the source network on the same episodes; None where it
            was not played.
    """

    policy: str
    role: str
    variant: str | None
    settings: Mapping[str, Setting]
    runs: Sequence[Row]
    reason: str | None = None
    published: Sequence[Published] = ()
    env_id: str = ""
    source_returns: NDArray[np.float64] | None = None
    _measures: dict[str, Measure | None] = field(default_factory=dict)

    def measure(self, metric: str) -> Measure | None:
        """A metric of the entry; None where it has none."""
        if not self.runs or (self.role == "source" and metric in ("agreement", "regret")):
            return None
        if self.role == "source" and metric.startswith("nanojoule"):
            return None
        if metric not in self._measures:
            self._measures[metric] = measure(metric, self.runs)
        return self._measures[metric]

    @property
    def axes(self) -> dict[str, Setting]:
        """Policy, variant and factors by name."""
        variant = {VARIANT: self.variant} if self.variant is not None else {}
        return {POLICY: self.policy, **variant, **self.settings}

    @property
    def returns(self) -> NDArray[np.float64]:
        """(episodes,) mean over the runs: all play the same episodes."""
        mean: NDArray[np.float64] = returns_of(self.runs).mean(axis=0)
        return mean

    @cached_property
    def against_source(self) -> PairedComparison | None:
        """Return beside that of the source network on the same episodes."""
        if self.role != "spiking" or self.source_returns is None or not self.runs:
            return None
        return paired_comparison(self.returns, self.source_returns)

    def excluded(self, published: Published) -> dict[str, bool]:
        """Metric -> whether the 95 % interval excludes a published value."""
        found = {}
        for name, value in published.values.items():
            ours = self.measure(name)
            if ours is not None and ours.interval.low == ours.interval.low:
                found[name] = not ours.interval.low <= value <= ours.interval.high
        return found


def make_entries(study: Study, plan: Mapping[str, Any], rows: Sequence[Row]) -> list[Entry]:
    """Entries in the order of the study's policies, variants and grid."""
    groups: Mapping[str, str] = plan.get("groups", {})
    by_key = {row["key"]: row for row in rows}
    bundles: dict[Bundle, list[Row]] = {}
    for cell in plan["cells"]:
        row = by_key.get(cell["key"])
        name = groups.get(cell["policy"], cell["policy"])
        settings = tuple(sorted(cell["settings"].items()))
        if row is not None:
            bundle = (name, cell["role"], cell["variant"], settings)
            bundles.setdefault(bundle, []).append(row)
    env_ids = {groups.get(one["name"], one["name"]): one["env_id"] for one in plan["policies"]}
    entries = [
        _replaced(_entry(study, bundle, runs), env_id=env_ids[bundle[0]])
        for bundle, runs in bundles.items()
    ]
    order = [groups.get(one["name"], one["name"]) for one in plan["policies"]]
    entries.sort(key=lambda entry: _place(study, order, entry))
    sources = {entry.policy: entry for entry in entries if entry.role == "source" and entry.runs}
    return [_with_source(entry, sources.get(entry.policy)) for entry in entries]


def _entry(study: Study, bundle: Bundle, runs: list[Row]) -> Entry:
    policy, role, variant, settings = bundle
    done = [run for run in runs if run["status"] == "done"]
    reasons = [run["reason"] for run in runs if run["status"] == "refused"]
    entry = Entry(
        policy=policy,
        role=role,
        variant=variant,
        settings=dict(settings),
        runs=() if reasons else sorted(done, key=_run_order),
        reason=reasons[0] if reasons else None,
    )
    found = [
        one
        for one in study.published
        if one.role == role and all(entry.axes.get(k) == v for k, v in one.where.items())
    ]
    return _replaced(entry, published=tuple(found))


def _run_order(run: Row) -> tuple[str, int]:
    return run["cell"]["policy"], run["cell"]["conversion_seed"]


def _replaced(entry: Entry, **changes: Any) -> Entry:
    names = ("policy", "role", "variant", "settings", "runs", "reason", "published", "env_id")
    return Entry(**({name: getattr(entry, name) for name in names} | changes))


def _with_source(entry: Entry, source: Entry | None) -> Entry:
    if source is None or entry.role == "source":
        return entry
    return _replaced(entry, source_returns=source.returns)


def _place(study: Study, order: Sequence[str], entry: Entry) -> tuple[Any, ...]:
    variants = [variant.name for variant in study.variants]
    variant = variants.index(entry.variant) if entry.variant in variants else -1
    grid = tuple(
        values.index(entry.settings[name]) if entry.settings.get(name) in values else -1
        for name, values in study.grid.items()
    )
    return order.index(entry.policy), entry.role != "source", variant, grid


def varying(entries: Sequence[Entry]) -> list[str]:
    """Names of variant and factors that differ between spiking entries, in a fixed order."""
    spiking = [entry for entry in entries if entry.role == "spiking"]
    by_variant = any(entry.variant is not None for entry in spiking)
    names = list(dict.fromkeys(name for entry in spiking for name in entry.settings))
    found = [name for name in names if len({entry.settings.get(name) for entry in spiking}) > 1]
    return ([VARIANT] if by_variant else []) + found


def shown_factors(study: Study, entries: Sequence[Entry]) -> list[str]:
    """What a table's rows are told apart by: the variant and the factors of the grid.

    Factors that a variant or a policy sets are behind its name already.
    """
    found = varying(entries)
    grid = [name for name in study.grid if name in found]
    variant = [VARIANT] if study.variants and VARIANT in found else []
    return variant + grid


__all__ = ["EPISODIC", "Entry", "make_entries", "shown_factors", "varying"]
