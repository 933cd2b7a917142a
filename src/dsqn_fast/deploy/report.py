"""The report of a verification."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from dsqn_fast.deploy.comparison import Comparison
from dsqn_fast.deploy.verdict import Verdict
from dsqn_fast.statistics import binomial_interval


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Equal actions among those compared."""

    equal: int
    of: int

    def to_dict(self) -> dict[str, Any]:
        """Share and 95 % Clopper-Pearson interval."""
        interval = binomial_interval(self.equal, self.of, method="exact")
        return {
            "equal": self.equal,
            "of": self.of,
            "share": self.equal / self.of,
            "low": interval.low,
            "high": interval.high,
        }


@dataclass(frozen=True, kw_only=True)
class VerificationReport:
    """How faithful a policy is on a target, and where it is not.

    Attributes:
        target: Name of the target.
        title: How tables call it.
        version: Version of the foreign package, or None.
        options: Options of the target.
        emulated: Whether it stands for hardware without being it.
        n_steps: Time steps per decision.
        compared: What the engine computed for the comparison, in words.
        verdict: The last line.
        comparison: Target and engine as the target runs the policy; None if unsupported.
        as_shipped: Actions equal to the engine's with the policy as shipped.
        source: Actions equal to the source network's; None without a source.
        engine_source: Actions of the policy as shipped, on the engine, equal to the source's.
        milliseconds: Per decision, in the target's process.
        observations: Where the observations come from.
        notes: What else should be known, a sentence each.
    """

    target: str
    title: str
    version: str | None
    options: dict[str, Any]
    emulated: bool
    n_steps: int
    compared: str
    verdict: Verdict
    comparison: Comparison | None = None
    as_shipped: Agreement | None = None
    source: Agreement | None = None
    engine_source: Agreement | None = None
    milliseconds: float | None = None
    observations: str = ""
    notes: tuple[str, ...] = ()

    @property
    def agreement(self) -> Agreement | None:
        """Actions equal to the engine's with the policy as the target runs it."""
        if self.comparison is None:
            return None
        return Agreement(equal=self.comparison.equal_actions, of=self.comparison.decisions)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""

        def agreement(value: Agreement | None) -> dict[str, Any] | None:
            return None if value is None else value.to_dict()

        return {
            "target": self.target,
            "title": self.title,
            "version": self.version,
            "options": self.options,
            "emulated": self.emulated,
            "n_steps": self.n_steps,
            "observations": self.observations,
            "compared": self.compared,
            "verdict": self.verdict.word,
            "sentence": self.verdict.sentence,
            "agreement": agreement(self.agreement),
            "agreement_as_shipped": agreement(self.as_shipped),
            "agreement_source": agreement(self.source),
            "engine_agreement_source": agreement(self.engine_source),
            "milliseconds_per_decision": self.milliseconds,
            "comparison": None if self.comparison is None else self.comparison.to_dict(),
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        """The report as JSON text."""
        return json.dumps(self.to_dict(), allow_nan=False)
