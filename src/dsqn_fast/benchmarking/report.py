"""What a benchmark found, as dataclasses, as JSON values and as a table in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from dsqn_fast.benchmarking.agreement import Agreement

Status = Literal["timed", "missing", "unsupported", "failed"]


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of the rounds.

    Attributes:
        median: Of all rounds.
        low: First quartile.
        high: Third quartile.
    """

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Median and quartiles of ``values``."""
    low, median, high = (float(q) for q in np.quantile(values, (0.25, 0.5, 0.75)))
    return Spread(median, low, high)


@dataclass(frozen=True)
class Row:
    """One peer on one network, batch and T.

    Attributes:
        net: Name of the network, or path of the policy.
        origin: ``"trained"``, ``"seeded"`` or ``"policy"``.
        density: Spikes per hidden neuron and step.
        batch: Observations per call.
        n_steps: Time steps T.
        peer: Name of the peer.
        title: The peer's name for people.
        is_relu: Whether it runs the ReLU network instead of spikes.
        version: Of the peer; None where it cannot run.
        status: ``"timed"``, or ``"missing"``, ``"unsupported"``, ``"failed"``.
        reason: Why there is no time, else None.
        seconds: Per decision (a call divided by the batch).
        ratio: Peer's seconds over the engine's, each round divided by its own engine time.
        rounds: Rounds that were timed.
        prepare_seconds: Loading, compiling and the first decision.
        agreement: Comparison of decisions, made before anything was timed.
    """

    net: str
    origin: str
    density: float
    batch: int
    n_steps: int
    peer: str
    title: str
    is_relu: bool
    version: str | None
    status: Status
    reason: str | None = None
    seconds: Spread | None = None
    ratio: Spread | None = None
    rounds: int = 0
    prepare_seconds: float | None = None
    agreement: Agreement | None = None

    @property
    def differs(self) -> bool:
        """Whether it was timed though its decisions are not the ones expected."""
        return self.agreement is not None and not self.agreement.is_within_tolerance


@dataclass(frozen=True)
class BenchmarkReport:
    """All rows, and the machine that they belong to.

    Attributes:
        rows: One per network, T, batch and peer.
        machine: Processor, cores, versions, instruction set, date: text and numbers.
        engine_equals_reference: Whether engine and NumPy reference gave the same bits.
    """

    rows: tuple[Row, ...]
    machine: Mapping[str, Any]
    engine_equals_reference: bool

    def to_dict(self) -> dict[str, Any]:
        """JSON values; `from_dict` reads them."""
        return {
            "machine": dict(self.machine),
            "engine_equals_reference": self.engine_equals_reference,
            "rows": [asdict(row) for row in self.rows],
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> BenchmarkReport:
        """The report that `to_dict` described."""
        rows = []
        for entry in data["rows"]:
            parts = {**entry}
            for name, kind in (("seconds", Spread), ("ratio", Spread), ("agreement", Agreement)):
                parts[name] = None if entry[name] is None else kind(**entry[name])
            rows.append(Row(**parts))
        return BenchmarkReport(tuple(rows), data["machine"], data["engine_equals_reference"])

    def cases(self) -> dict[tuple[str, int, int], list[Row]]:
        """(network, T, batch) -> its rows, in the order in which they were run."""
        cases: dict[tuple[str, int, int], list[Row]] = {}
        for row in self.rows:
            cases.setdefault((row.net, row.n_steps, row.batch), []).append(row)
        return cases
