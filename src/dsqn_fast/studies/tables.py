"""The tables of a study, as text cells that HTML, Markdown and the terminal share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dsqn_fast.studies.entries import Entry, shown_factors
from dsqn_fast.studies.measures import seeds_estimate, sources_of_spread
from dsqn_fast.studies.metrics import METRICS, show_metric
from dsqn_fast.studies.study import POLICY, Published, Study
from dsqn_fast.studies.words import interval, value_of

EXCLUDED: Final = " ≠"
"""Behind a published number that the 95 % interval excludes."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table.

    Attributes:
        title: The policy, or the study where all policies stand in one table.
        columns: Headings.
        rows: Cells; a row that is impossible has one long last cell.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def make_tables(study: Study, entries: Sequence[Entry]) -> list[Table]:
    """One table per policy, or a single one where a policy is all that rows differ by."""
    factors = shown_factors(study, entries)
    if not factors and entries:
        return [_table(study, study.title, entries, [POLICY])]
    tables = []
    for policy in dict.fromkeys(entry.policy for entry in entries):
        own = [entry for entry in entries if entry.policy == policy]
        tables.append(_table(study, policy, own, factors))
    return tables


def _table(study: Study, policy: str, entries: Sequence[Entry], factors: Sequence[str]) -> Table:
    compared = any(entry.against_source is not None for entry in entries)
    published = any(entry.published for entry in entries)
    several = any(len(entry.runs) > 1 for entry in entries)
    metrics = [m for m in study.metrics if any(e.measure(m) is not None for e in entries)]
    columns = [study.title_of(factor) for factor in factors]
    for metric in metrics:
        columns.append(METRICS[metric].title)
        if metric == metrics[0] and published:
            columns.append("thesis")
        if metric == "return" and compared:
            columns.append("return - source")
    if several:
        columns += ["IQM over seeds", "std: episodes / conversion / training"]
    rows = [
        _row(entry, factors, metrics, compared=compared, several=several, published=published)
        for entry in entries
    ]
    return Table(title=policy, columns=tuple(columns), rows=tuple(rows))


def _row(
    entry: Entry,
    factors: Sequence[str],
    metrics: Sequence[str],
    *,
    compared: bool,
    several: bool,
    published: bool,
) -> tuple[str, ...]:
    cells = _heading(entry, factors)
    if entry.reason is not None:
        return (*cells, f"impossible: {entry.reason}")
    for metric in metrics:
        cells.append(_cell(entry, metric))
        if metric == metrics[0] and published:
            cells.append(" / ".join(_published(entry, one) for one in entry.published))
        if metric == "return" and compared:
            cells.append(_difference(entry))
    if several:
        cells += _seeds(entry)
    return tuple(cells)


def _heading(entry: Entry, factors: Sequence[str]) -> list[str]:
    if factors[0] == POLICY:
        return [entry.policy + (", source network" if entry.role == "source" else "")]
    if entry.role == "source":
        return ["source network", *[""] * (len(factors) - 1)]
    return [value_of(entry.axes.get(factor)) for factor in factors]


def _cell(entry: Entry, metric: str) -> str:
    found = entry.measure(metric)
    if found is None:
        return "-"
    text = show_metric(metric, found.value)
    if found.std is not None:
        text += f" ({show_metric(metric, found.std)})"
    return f"{text} {interval(metric, found.interval)}".strip()


def _difference(entry: Entry) -> str:
    found = entry.against_source
    if found is None:
        return ""
    return f"{found.difference:+.2f} {interval('return', found.interval)}".strip()


def _seeds(entry: Entry) -> list[str]:
    estimate = seeds_estimate(entry.runs)
    iqm = "" if estimate is None else f"{estimate.value:.2f}"
    if estimate is not None and estimate.low == estimate.low:
        iqm += f" [{estimate.low:.2f}, {estimate.high:.2f}]"
    parts = sources_of_spread(entry.runs)
    if parts is None:
        return [iqm, ""]
    numbers = (parts.episodes, parts.conversion, parts.training)
    return [iqm, " / ".join("-" if one is None else f"{one:.2f}" for one in numbers)]


def _published(entry: Entry, published: Published) -> str:
    excluded = entry.excluded(published)
    parts = []
    for name, value in published.values.items():
        text = show_metric(name, value)
        if name == "return" and published.std is not None:
            text += f" ({show_metric(name, published.std)})"
        parts.append(text + (EXCLUDED if excluded.get(name) else ""))
    return ", ".join(parts)
