"""Declaring a winner: only where it beats the others on the same episodes, all tests counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.statistics import holm, paired_comparison
from dsqn_fast.studies.entries import Entry, shown_factors
from dsqn_fast.studies.metrics import METRICS
from dsqn_fast.studies.study import POLICY, Setting, Study

LEVEL = 0.05
"""Error probability of all comparisons of a study together."""


@dataclass(frozen=True, kw_only=True)
class Winner:
    """The best of some entries that differ in one factor.

    Attributes:
        policy: Policy that all of them are of.
        context: What they have in common, of what else the study varies.
        best: Value of the factor with the best metric.
        entry: Its entry.
        beaten: Values that it beats after Holm's correction over the whole study.
        level: Values that cannot be told apart from it.
        p_value: Largest adjusted p-value among the beaten; None where none is.
    """

    policy: str
    context: dict[str, Setting]
    best: Setting
    entry: Entry
    beaten: tuple[Setting, ...]
    level: tuple[Setting, ...]
    p_value: float | None

    @property
    def alone(self) -> bool:
        """Whether it beats all others."""
        return not self.level


def find_winners(study: Study, entries: Sequence[Entry]) -> list[Winner]:
    """The winner of every context of a study that declares winners; none without.

    Every other value is compared with the best one by the sign-flip permutation test on the
    differences of common episodes, and the p-values of the whole study are corrected together
    (Holm 1979). The best is chosen on the same episodes, so that it looks a little better than
    it is.
    """
    spec = study.winner
    if spec is None:
        return []
    contests = [one for one in _contests(study, entries) if len(one) > 1]
    ranked = [_ranked(contest, spec.metric) for contest in contests]
    p_values = [
        paired_comparison(_episodes(best, spec.metric), _episodes(other, spec.metric)).p_value
        for best, *others in ranked
        for other in others
    ]
    adjusted = list(holm(p_values)) if p_values else []
    factors = shown_factors(study, entries)
    return [_winner(contest, spec.among, factors, adjusted) for contest in ranked]


def _contests(study: Study, entries: Sequence[Entry]) -> list[list[Entry]]:
    assert study.winner is not None
    among = study.winner.among
    found: dict[tuple[Any, ...], list[Entry]] = {}
    others = [name for name in shown_factors(study, entries) if name != among]
    for entry in entries:
        if entry.role != "spiking" or not entry.runs or among not in entry.axes:
            continue
        if entry.measure(study.winner.metric) is None:
            continue
        policy = None if among == POLICY else entry.policy
        context = (policy, *(entry.axes.get(name) for name in others))
        found.setdefault(context, []).append(entry)
    return list(found.values())


def _ranked(contest: Sequence[Entry], metric: str) -> list[Entry]:
    sign = -1.0 if METRICS[metric].better == "lower" else 1.0
    values = {id(entry): entry.measure(metric) for entry in contest}

    def rank(entry: Entry) -> float:
        found = values[id(entry)]
        assert found is not None
        return -sign * found.value

    return sorted(contest, key=rank)


def _episodes(entry: Entry, metric: str) -> NDArray[np.float64]:
    if metric == "return":
        return entry.returns
    above, below = {
        "agreement": ("equal_actions", "lengths"),
        "regret": ("regrets", "regret_scales"),
    }[metric]
    tops = np.array([run[above] for run in entry.runs], np.float64).sum(axis=0)
    bottoms = np.array([run[below] for run in entry.runs], np.float64).sum(axis=0)
    share: NDArray[np.float64] = tops / np.maximum(bottoms, 1e-300)
    return share


def _winner(
    ranked: Sequence[Entry], among: str, factors: Sequence[str], adjusted: list[float]
) -> Winner:
    """The winner of a contest; takes its p-values from the front of ``adjusted``."""
    best, *others = ranked
    p_values = [adjusted.pop(0) for _ in others]
    pairs = list(zip(others, p_values, strict=True))
    won = [p for _, p in pairs if p < LEVEL]
    return Winner(
        policy=best.policy,
        context={name: best.axes[name] for name in factors if name not in (among, POLICY)},
        best=best.axes[among],
        entry=best,
        beaten=tuple(entry.axes[among] for entry, p in pairs if p < LEVEL),
        level=tuple(entry.axes[among] for entry, p in pairs if p >= LEVEL),
        p_value=float(max(won)) if won else None,
    )
