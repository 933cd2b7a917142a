"""What both agents reached under each disturbance, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.statistics import Interval, PairedComparison, bootstrap_interval, paired_comparison


@dataclass(frozen=True, kw_only=True, eq=False)
class Condition:
    """One level of one disturbance, played by both agents on the same episodes.

    Attributes:
        disturbance: Its name; ``"none"`` for the undisturbed episodes.
        level: How strong; NaN for ``"none"``.
        ann: (seeds, episodes) returns of the source network.
        spiking: (seeds, episodes) returns of the spiking policy, episode by episode as ``ann``.
        shared: All episodes of a seed share one disturbed network, so that only means over them
            are independent.
    """

    disturbance: str
    level: float
    ann: NDArray[np.float64]
    spiking: NDArray[np.float64]
    shared: bool = False

    @property
    def independent(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(n,) returns of both agents that are independent: of episodes, or means of seeds."""
        if self.shared:
            return self.ann.mean(axis=1), self.spiking.mean(axis=1)
        return self.ann.ravel(), self.spiking.ravel()

    @property
    def means(self) -> tuple[float, float]:
        """Mean return of the source network and of the spiking policy."""
        return float(self.ann.mean()), float(self.spiking.mean())

    @property
    def intervals(self) -> tuple[Interval, Interval]:
        """95 % bootstrap intervals of both means."""
        ann, spiking = self.independent
        return bootstrap_interval(ann), bootstrap_interval(spiking)

    def to_dict(self) -> dict[str, Any]:
        """The condition as JSON values."""
        row: dict[str, Any] = {
            "disturbance": self.disturbance,
            "level": None if np.isnan(self.level) else self.level,
            "seeds": self.ann.shape[0],
            "episodes": self.ann.size,
        }
        for name, values, interval in zip(
            ("ann", "spiking"), (self.ann, self.spiking), self.intervals, strict=True
        ):
            low, high = (None if np.isnan(end) else end for end in interval)
            row[name] = {"mean": float(values.mean()), "ci_low": low, "ci_high": high}
            row[name]["returns"] = values.tolist()
        return row


@dataclass(frozen=True, kw_only=True, eq=False)
class RobustnessReport:
    """All conditions.

    Attributes:
        undisturbed: Both agents without disturbance.
        conditions: The disturbed ones, in order.
        level_names: Disturbance -> what its level is, in words.
        settings: How it was measured, JSON values only.
    """

    undisturbed: Condition
    conditions: tuple[Condition, ...]
    level_names: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)

    def of(self, disturbance: str) -> list[Condition]:
        """The conditions of one disturbance, by level as measured."""
        return [one for one in self.conditions if one.disturbance == disturbance]

    def comparison(self, disturbance: str) -> PairedComparison:
        """Change of the spiking policy less change of the source network, over all levels.

        A change is the difference from the agent's own undisturbed mean return, in percent of
        that mean's size: a positive difference says that the spiking policy loses less. The
        undisturbed means are taken as known. Levels are averaged first, because an episode, or
        of networks a seed, is the same one at every level.
        """
        pairs = [one.independent for one in self.of(disturbance)]
        ann, spiking = (np.mean([pair[agent] for pair in pairs], axis=0) for agent in (0, 1))
        base_ann, base_spiking = self.undisturbed.means
        return paired_comparison(_change(spiking, base_spiking), _change(ann, base_ann))

    def verdict(self, disturbance: str) -> str:
        """Which of the two loses less, in words: only where the interval leaves out 0."""
        low, high = self.comparison(disturbance).interval
        if low > 0:
            return "spiking loses less"
        return "spiking loses more" if high < 0 else "no difference shown"

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            "settings": dict(self.settings),
            "undisturbed": self.undisturbed.to_dict(),
            "conditions": [one.to_dict() for one in self.conditions],
            "comparisons": {
                name: {**self.comparison(name).to_dict(), "verdict": self.verdict(name)}
                for name in self.level_names
            },
        }


def _change(returns: NDArray[np.float64], base: float) -> NDArray[np.float64]:
    return 100 * (returns - base) / max(abs(base), 1e-9)
