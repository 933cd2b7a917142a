"""The last line of a verification: how faithful a policy is on its target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dsqn_fast.deploy.comparison import Comparison
from dsqn_fast.statistics import Interval, binomial_interval

Word = Literal["exact", "faithful", "approximate", "unsupported"]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How faithful a policy is on its target.

    Attributes:
        word: ``exact`` (every spike the same), ``faithful`` (every action the same),
            ``approximate`` (some actions differ) or ``unsupported`` (it does not run there).
        sentence: What that means in numbers.
    """

    word: Word
    sentence: str


def judge(comparison: Comparison) -> Verdict:
    """The verdict over a comparison; intervals are of 95 % after Clopper and Pearson 1934.

    Decisions are taken as independent: those of one episode resemble each other, so that the
    true intervals are wider.
    """
    decisions = comparison.decisions
    spread = action_interval(comparison)
    if comparison.same_spikes and comparison.equal_actions == decisions:
        return Verdict(word="exact", sentence=_exact_sentence(comparison))
    if comparison.equal_actions == decisions:
        return Verdict(
            word="faithful",
            sentence=f"all {decisions} actions are equal (with 95 % confidence at least "
            f"{spread.low:.2%} of decisions like these), but {comparison.spike_mismatches} spikes "
            f"differ and potentials by up to {comparison.largest_potential_difference:.3g}",
        )
    share = comparison.equal_actions / decisions
    return Verdict(
        word="approximate",
        sentence=f"{comparison.equal_actions} of {decisions} actions are equal ({share:.2%}, 95 % "
        f"interval {spread.low:.2%} to {spread.high:.2%}); {comparison.spike_mismatches} spikes "
        f"differ and potentials by up to {comparison.largest_potential_difference:.3g}",
    )


def action_interval(comparison: Comparison) -> Interval:
    """95 % Clopper-Pearson interval of the share of equal actions."""
    return binomial_interval(comparison.equal_actions, comparison.decisions, method="exact")


def _exact_sentence(comparison: Comparison) -> str:
    spikes = sum(layer.ours for layer in comparison.layers)
    same = f"all {spikes} spikes of {comparison.decisions} decisions are the same"
    if comparison.potentials_differ:
        gap = comparison.largest_potential_difference
        return f"{same}; output potentials differ by rounding, at most {gap:.3g}"
    return f"{same}, and the output potentials are equal to the last bit"
