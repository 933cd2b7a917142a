"""The findings of a study in sentences, made from its numbers and from nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from dsqn_fast.statistics import Interval, probability_of_improvement
from dsqn_fast.studies.entries import Entry, shown_factors
from dsqn_fast.studies.measures import seeds_estimate, sources_of_spread, trainings_of
from dsqn_fast.studies.metrics import METRICS, show_metric
from dsqn_fast.studies.study import POLICY, Study
from dsqn_fast.studies.winners import LEVEL, Winner
from dsqn_fast.studies.words import interval, listed, setting, settings, value_of

AGREEMENTS = (0.95, 0.99)
"""Agreements whose smallest number of steps is named."""
MOST_IN_PAIRS = 4
"""Groups of training seeds that are all compared with one another."""


def find(study: Study, entries: Sequence[Entry], winners: Sequence[Winner]) -> list[str]:
    """One paragraph per policy, and one about the published numbers and impossible cells."""
    paragraphs = []
    for policy in dict.fromkeys(entry.policy for entry in entries):
        own = [entry for entry in entries if entry.policy == policy]
        mine = [winner for winner in winners if winner.policy == policy]
        if study.winner is not None and study.winner.among == POLICY:
            mine = []
        steps = list(_steps(study, own))
        sentences = [*_source(own), *(steps or _extremes(own)), *_wins(study, mine)]
        if sentences:
            paragraphs.append(f"{policy}: " + " ".join(sentences))
    if study.winner is not None and study.winner.among == POLICY:
        paragraphs.extend(_wins(study, winners))
    over_seeds = [*_seeds(study, entries), *_improvement(study, entries)]
    if over_seeds:
        paragraphs.append(" ".join(over_seeds))
    rest = [*_published(entries), *_impossible(entries)]
    return [*paragraphs, " ".join(rest)] if rest else paragraphs


def _with_interval(entry: Entry, metric: str) -> str:
    found = entry.measure(metric)
    assert found is not None
    return f"{show_metric(metric, found.value)} {interval(metric, found.interval)}".strip()


def _source(entries: Sequence[Entry]) -> Iterator[str]:
    for entry in entries:
        if entry.role == "source" and entry.runs:
            yield f"The source network returns {_with_interval(entry, 'return')}."


def _steps(study: Study, entries: Sequence[Entry]) -> Iterator[str]:
    """From which T on the agreement is reached and the return is the source network's."""
    factors = shown_factors(study, entries)
    if "n_steps" not in factors or len(factors) > 1:
        return
    spiking = sorted(
        (entry for entry in entries if entry.role == "spiking" and entry.runs),
        key=lambda entry: int(entry.settings["n_steps"]),
    )
    agreements = [(entry, entry.measure("agreement")) for entry in spiking]
    missed = []
    for wanted in AGREEMENTS:
        reached = [entry for entry, found in agreements if found and found.value >= wanted]
        if reached:
            steps = setting("n_steps", reached[0].settings["n_steps"])
            agreement = _with_interval(reached[0], "agreement")
            yield f"It reaches {wanted:.0%} agreement at {steps} ({agreement})."
        elif any(found for _, found in agreements):
            missed.append(f"{wanted:.0%}")
    if missed:
        yield f"It reaches {' or '.join(missed)} agreement at no T of the study."
    yield from _beside_source(spiking)


def _beside_source(spiking: Sequence[Entry]) -> Iterator[str]:
    lower, higher, same = [], [], []
    for entry in spiking:
        comparison = entry.against_source
        if comparison is None:
            return
        steps = value_of(entry.settings["n_steps"])
        if comparison.interval.high < 0:
            lower.append(steps)
        elif comparison.interval.low > 0:
            higher.append(steps)
        else:
            same.append(steps)
    parts = [
        f"below the source network's at T = {listed(lower)}" if lower else "",
        f"above it at T = {listed(higher)}" if higher else "",
        f"not told apart from it at T = {listed(same)}" if same else "",
    ]
    said = [part for part in parts if part]
    if said:
        yield (
            f"On the same episodes its return is {'; '.join(said)} (95 % intervals of the paired "
            "difference)."
        )


def _wins(study: Study, winners: Sequence[Winner]) -> Iterator[str]:
    assert study.winner is not None or not winners
    for winner in winners:
        metric = study.winner.metric if study.winner else "return"
        word = "lowest" if METRICS[metric].better == "lower" else "highest"
        titled = {study.title_of(name): value for name, value in winner.context.items()}
        where = f"At {settings(titled)}, " if titled else ""
        text = (
            f"{where}{value_of(winner.best)} has the {word} {METRICS[metric].title}, "
            f"{_with_interval(winner.entry, metric)}"
        )
        if winner.alone and len(winner.beaten) > 2:
            text += f", and beats all {len(winner.beaten)} others"
        elif winner.beaten:
            text += f", and beats {listed(map(value_of, winner.beaten))}"
        if winner.p_value is not None:
            text += f" (paired by episode, p <= {max(winner.p_value, 0.0001):.4f} after Holm)"
        if winner.level:
            apart = listed(map(value_of, winner.level))
            text += f"; it cannot be told apart from {apart} at a level of {LEVEL:g}"
        text += "."
        yield text[0].upper() + text[1:]


def _extremes(entries: Sequence[Entry]) -> Iterator[str]:
    """How many cells return less, the same and more than the source network."""
    compared = [entry.against_source for entry in entries if entry.against_source is not None]
    if len(compared) == 1:
        found = next(entry for entry in entries if entry.against_source is not None)
        yield (
            f"The spiking policy returns {_with_interval(found, 'return')}; the paired difference "
            f"is {compared[0].difference:+.2f} {interval('return', compared[0].interval)}."
        )
    if len(compared) < 2:
        return
    above = sum(one.interval.low > 0 for one in compared)
    below = sum(one.interval.high < 0 for one in compared)
    yield (
        f"Of its {len(compared)} spiking cells {below} return less than the source network, "
        f"{above} more, and {len(compared) - below - above} cannot be told apart from it."
    )


def _seeds(study: Study, entries: Sequence[Entry]) -> Iterator[str]:
    """IQM and spread of every group of training seeds."""
    factors = shown_factors(study, entries)
    for entry in entries:
        estimate = seeds_estimate(entry.runs) if entry.runs else None
        parts = sources_of_spread(entry.runs) if entry.runs else None
        if estimate is None or parts is None or parts.training is None:
            continue
        ends = interval("return", Interval(estimate.low, estimate.high))
        seeds = len({run["cell"]["policy"] for run in entry.runs})
        yield (
            f"{_called(entry, factors)}: IQM over {seeds} training seeds "
            f"{show_metric('return', estimate.value)} {ends}, standard deviation over training "
            f"seeds {parts.training:.2f}, over episodes {parts.episodes or 0.0:.2f}."
        )


def _improvement(study: Study, entries: Sequence[Entry]) -> Iterator[str]:
    """How often a training of one group beats one of another in the same set-up."""
    factors = shown_factors(study, entries)
    set_ups: dict[tuple[Any, ...], list[tuple[float, Entry]]] = {}
    for entry in entries:
        estimate = seeds_estimate(entry.runs) if entry.runs else None
        if estimate is not None:
            # Where settings vary, networks are compared with networks, and T with the same T.
            role = entry.role if factors else None
            key = (entry.env_id, role, *(entry.axes.get(name) for name in factors))
            set_ups.setdefault(key, []).append((estimate.value, entry))
    for groups in set_ups.values():
        for first, second in _pairs(groups):
            if first.policy == second.policy:
                continue
            found = probability_of_improvement(
                trainings_of(first.runs).mean(axis=1), trainings_of(second.runs).mean(axis=1)
            )
            yield (
                f"A training of {_called(second, factors)} returns more than one of "
                f"{_called(first, factors)} with probability {1 - found.value:.2f} "
                f"[{1 - found.high:.2f}, {1 - found.low:.2f}]."
            )


def _pairs(groups: Sequence[tuple[float, Entry]]) -> Iterator[tuple[Entry, Entry]]:
    """All pairs of few groups; of many those with the one that has the highest IQM."""
    if len(groups) <= MOST_IN_PAIRS:
        yield from itertools.combinations([entry for _, entry in groups], 2)
        return
    best = max(groups, key=lambda group: group[0])[1]
    yield from ((best, entry) for _, entry in groups if entry is not best)


def _called(entry: Entry, factors: Sequence[str]) -> str:
    if entry.role == "source":
        return entry.policy + ", source network"
    context = {name: entry.axes[name] for name in factors if name in entry.axes}
    return ", ".join(filter(None, (entry.policy, settings(context))))


def _published(entries: Sequence[Entry]) -> Iterator[str]:
    checks = [
        (entry, name, excluded)
        for entry in entries
        for one in entry.published
        for name, excluded in entry.excluded(one).items()
    ]
    if not checks:
        return
    outside = [(entry, name) for entry, name, excluded in checks if excluded]
    yield (
        f"Of {len(checks)} numbers of the thesis {len(checks) - len(outside)} lie within the "
        f"95 % interval of what is measured here, {len(outside)} outside."
    )


def _impossible(entries: Sequence[Entry]) -> Iterator[str]:
    reasons = [entry.reason for entry in entries if entry.reason is not None]
    for reason in dict.fromkeys(reasons):
        count = reasons.count(reason)
        cells = "1 cell is" if count == 1 else f"{count} cells are"
        yield f"{cells} impossible: {reason}."
