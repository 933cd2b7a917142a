"""All peers take turns: in every round each is timed right after the engine."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np

from dsqn_fast.benchmarking.agreement import (
    compare,
    engine_equals_reference,
    expected_potentials,
)
from dsqn_fast.benchmarking.machine import describe_machine
from dsqn_fast.benchmarking.nets import NETS, BenchmarkNet, load_net
from dsqn_fast.benchmarking.plan import Plan
from dsqn_fast.benchmarking.policy_nets import load_policy_net
from dsqn_fast.benchmarking.report import BenchmarkReport, Row, spread
from dsqn_fast.benchmarking.team import Member, Team
from dsqn_fast.engine import Engine
from dsqn_fast.errors import UnsupportedError
from dsqn_fast.model_io import save_policy
from dsqn_fast.workers.worker import WorkerError

SLOW: Final = 2.0
"""Seconds of one call from which on a peer takes part in `SLOW_ROUNDS` rounds only."""
SLOW_ROUNDS: Final = 3
COMPARING_SECONDS: Final = 5.0
"""So long a peer decides on further observations, so that not only one decision is compared."""

Progress = Callable[[int, int, str], None]
"""Told how many parts are done, how many there are, and what is done now."""


@dataclass
class _Turn:
    """A member that takes part in a case, its row so far, and its times per call."""

    member: Member
    row: Row
    seconds: list[float] = field(default_factory=list)
    engine_seconds: list[float] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        """Whether it failed, or is slow and has played its few rounds."""
        slow = len(self.seconds) >= SLOW_ROUNDS and min(self.seconds) > SLOW
        return self.row.status != "timed" or slow


def run_benchmark(plan: Plan, progress: Progress | None = None) -> BenchmarkReport:
    """Time the engine and its peers, decisions compared first.

    Args:
        plan: What is timed.
        progress: Called before every part of the work.

    Raises:
        UnsupportedError: The engine itself cannot run here.
        OptionError: A Python that was asked for does not exist.
    """
    cases = plan.cases()
    parts = len(cases) * (len(plan.peers) + plan.rounds)
    say = _Counter(progress, parts)
    rows: list[Row] = []
    equal = True
    with (
        tempfile.TemporaryDirectory(prefix="dsqn-fast-bench-") as folder,
        Team(plan.peers, plan.interpreters) as team,
    ):
        net: BenchmarkNet | None = None
        for name, n_steps, batch in cases:
            if net is None or net.name != name:
                if name in NETS:
                    net = load_net(name, folder=plan.folder, seed=plan.seed)
                else:
                    net = load_policy_net(Path(name), seed=plan.seed)
                _write(net, Path(folder))
                equal = equal and engine_equals_reference(net, n_steps)
            rows += _run_case(plan, team, net, (n_steps, batch), Path(folder), say)
    return BenchmarkReport(tuple(rows), describe_machine(), equal)


class _Counter:
    def __init__(self, progress: Progress | None, parts: int) -> None:
        self._progress, self._parts, self._done = progress, parts, 0

    def __call__(self, text: str) -> None:
        if self._progress is not None:
            self._progress(self._done, self._parts, text)
        self._done += 1


def _write(net: BenchmarkNet, folder: Path) -> None:
    save_policy(net.model, folder / "net.npz")
    np.save(folder / "observations.npy", net.observations)


def _run_case(
    plan: Plan,
    team: Team,
    net: BenchmarkNet,
    size: tuple[int, int],
    folder: Path,
    say: _Counter,
) -> list[Row]:
    n_steps, batch = size
    where = f"{net.name}, T {n_steps}, batch {batch}"
    density = _density(net, n_steps)
    turns = []
    for member in team:
        say(f"{where}: {member.title}")
        row = Row(
            net.name, net.origin, density, batch, n_steps,
            member.name, member.title, member.is_relu, None, "timed",
        )  # fmt: skip
        turns.append(_Turn(member, _prepared(member, row, net, folder)))
    if turns[0].row.status != "timed":
        raise UnsupportedError(f"the engine cannot be timed: {turns[0].row.reason}")
    for number in range(plan.rounds):
        say(f"{where}: round {number + 1} of {plan.rounds}")
        for turn in turns:
            _play(turn, turns[0], plan.slice_seconds)
    return [_finished(turn, batch) for turn in turns]


def _prepared(member: Member, row: Row, net: BenchmarkNet, folder: Path) -> Row:
    """The row of a member that has the network and has decided once, or why it has not."""
    member.greet()
    row = replace(row, version=member.version)
    if member.missing is not None:
        return replace(row, status="missing", reason=member.missing)
    try:
        reply = member.ask(
            "prepare",
            model=str(folder / "net.npz"),
            observations=str(folder / "observations.npy"),
            batch=row.batch,
            n_steps=row.n_steps,
        )
        if "unsupported" in reply:
            return replace(row, status="unsupported", reason=reply["unsupported"])
        found = member.potentials(COMPARING_SECONDS)
    except WorkerError as error:
        return replace(row, status="failed", reason=str(error))
    expected, words = expected_potentials(net, member.name, len(found), row.n_steps)
    agreement = compare(found, expected, words)
    return replace(row, prepare_seconds=reply["seconds"], agreement=agreement)


def _play(turn: _Turn, engine: _Turn, seconds: float) -> None:
    """One slice of the engine and one of the member, back to back."""
    if turn.is_done:
        return
    try:
        before = engine.member.ask("time", seconds=seconds)["seconds"]
        now = before if turn is engine else turn.member.ask("time", seconds=seconds)["seconds"]
    except WorkerError as error:
        turn.row = replace(turn.row, status="failed", reason=str(error))
        return
    turn.engine_seconds.append(before)
    turn.seconds.append(now)


def _finished(turn: _Turn, batch: int) -> Row:
    if turn.row.status != "timed":
        return turn.row
    ratios = np.divide(turn.seconds, turn.engine_seconds)
    return replace(
        turn.row,
        seconds=spread(np.divide(turn.seconds, batch).tolist()),
        ratio=spread(ratios.tolist()),
        rounds=len(turn.seconds),
    )


def _density(net: BenchmarkNet, n_steps: int) -> float:
    """Spikes per hidden neuron and step."""
    counts = Engine(net.model).run(net.observations[:4], n_steps=n_steps).spike_counts[:-1]
    n_neurons = sum(c.size for c in counts)
    return float(sum(c.sum() for c in counts) / max(n_neurons * n_steps, 1))
