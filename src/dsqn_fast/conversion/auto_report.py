"""What `auto` tried, what it chose, and how well that does on states it has not seen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from dsqn_fast.conversion.agreement import Agreement
from dsqn_fast.conversion.energy import EnergyReport


@dataclass(frozen=True, kw_only=True)
class FrontPoint:
    """One conversion on the test states; a point of the Pareto front.

    Attributes:
        n_steps: Time steps T.
        recipe: How it was converted, in words.
        agreement: Share of decisions that equal the source network's.
        regret: As in `Agreement`.
        spikes: Mean spikes per decision.
        nanojoule: Estimated energy per decision, arithmetic only.
        chosen: Whether this is the conversion that was chosen.
    """

    n_steps: int
    recipe: str
    agreement: float
    regret: float
    spikes: float
    nanojoule: float
    chosen: bool = False


@dataclass(frozen=True, kw_only=True)
class CandidateScore:
    """One recipe on the selection states.

    Attributes:
        recipe: How it converts, in words.
        route: ``conversion``, ``bursts`` or the name of a fine-tuning route.
        steps_needed: Smallest T from which on the wanted agreement is shown (its one-sided 95 %
            lower bound reaches it); None if it is not within the most steps.
        agreement: At ``steps_needed``, else at the most steps.
        states: Number of states that it was scored on.
    """

    recipe: str
    route: str
    steps_needed: int | None
    agreement: float
    states: int


@dataclass(frozen=True, kw_only=True)
class PlayedReturn:
    """Returns in the environment, on episodes that no recipe was compared on.

    Attributes:
        episodes: Finished episodes.
        mean: Mean return of the spiking policy.
        std: Standard deviation over episodes (divisor n).
        agreement: With the source network, on the states that the spiking policy visited.
        source_mean: Mean return of the source network, greedy, on episodes of the same seeds.
    """

    episodes: int
    mean: float
    std: float
    agreement: float
    source_mean: float


@dataclass(frozen=True, kw_only=True)
class AutoReport:
    """The outcome of an automatic conversion.

    Attributes:
        wanted_agreement: What was aimed at.
        wanted_return: What was aimed at beside it, or None.
        reached: What the chosen conversion reaches: the wanted ``agreement`` (shown on the
            selection states, and kept on the test states, which no choice has looked at), the
            wanted ``return``, or else the ``source return`` (to a standard error, in the
            environment), or ``nothing``.
        route: ``conversion``, ``bursts`` or the name of a fine-tuning route.
        recipe: The chosen recipe, in words.
        n_steps: The chosen T.
        selection_states: Number of states that the choice was made on.
        test: The chosen conversion on the test states.
        energy: Operations and energy of the chosen conversion and its source.
        front: Conversions that no other beats in steps, agreement and energy at once.
        candidates: Every recipe tried.
        played: Returns where the environment is known.
        sentence: The outcome in words.
    """

    wanted_agreement: float
    wanted_return: float | None
    reached: str
    route: str
    recipe: str
    n_steps: int
    selection_states: int
    test: Agreement
    energy: EnergyReport
    front: tuple[FrontPoint, ...]
    candidates: tuple[CandidateScore, ...]
    played: PlayedReturn | None
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def pareto_front(points: list[FrontPoint]) -> tuple[FrontPoint, ...]:
    """Points that no other beats in T, agreement and energy at once; the chosen one stays."""
    kept = [
        point
        for point in points
        if point.chosen or not any(_beats(other, point) for other in points)
    ]
    return tuple(sorted(kept, key=lambda point: (point.n_steps, point.agreement)))


def _beats(a: FrontPoint, b: FrontPoint) -> bool:
    no_worse = a.n_steps <= b.n_steps and a.agreement >= b.agreement and a.nanojoule <= b.nanojoule
    better = a.n_steps < b.n_steps or a.agreement > b.agreement or a.nanojoule < b.nanojoule
    return no_worse and better
