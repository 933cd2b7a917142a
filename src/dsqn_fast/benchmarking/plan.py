"""What a benchmark shall time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dsqn_fast.benchmarking.interpreters import interpreter
from dsqn_fast.benchmarking.nets import NETS, ROWS
from dsqn_fast.benchmarking.peers.catalogue import ENGINE, PEERS
from dsqn_fast.benchmarking.policy_nets import check_policy, policy_batches, policy_name
from dsqn_fast.errors import OptionError
from dsqn_fast.model.options import check_choice, check_n_steps
from dsqn_fast.run_options import check_seed

MAX_ROUNDS: Final = 1000
MAX_SLICE: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is timed; checked on creation.

    Attributes:
        nets: Names in `NETS`.
        policies: Policy files, timed after them.
        peers: Names in `PEERS`; the engine takes part always.
        batches: Observations per call; None for those that each network names.
        n_steps: Time steps T.
        rounds: Rounds; medians and quartiles are over them.
        slice_seconds: Seconds of one peer in one round: as many calls as fit, at least one.
        seed: Seed of networks that are not trained.
        folder: Folder of trained networks; None for the one beside the source checkout.
        interpreters: Peer -> Python that runs it, where it is not found by itself.

    Raises:
        OptionError: A name is unknown, a number out of range, or a folder or program missing.
        As `check_policy`.
    """

    nets: tuple[str, ...] = tuple(NETS)
    policies: tuple[Path, ...] = ()
    peers: tuple[str, ...] = tuple(PEERS)
    batches: tuple[int, ...] | None = None
    n_steps: tuple[int, ...] = (100,)
    rounds: int = 7
    slice_seconds: float = 0.05
    seed: int = 0
    folder: Path | None = None
    interpreters: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.nets:
            check_choice("net", name, tuple(NETS))
        for policy in self.policies:
            check_policy(policy)
        for name in self.peers:
            check_choice("peer", name, tuple(PEERS))
        for steps in self.n_steps:
            check_n_steps(steps)
        for batch in self.batches or ():
            if not 1 <= batch <= ROWS:
                raise OptionError(f"batch must be from 1 to {ROWS}, not {batch}")
        if not 1 <= self.rounds <= MAX_ROUNDS:
            raise OptionError(f"rounds must be from 1 to {MAX_ROUNDS}, not {self.rounds}")
        if not 0 < self.slice_seconds <= MAX_SLICE:
            raise OptionError(
                f"seconds of a round must be above 0 and at most {MAX_SLICE:g}, "
                f"not {self.slice_seconds:g}"
            )
        check_seed(self.seed)
        if self.folder is not None and not self.folder.is_dir():
            raise OptionError(
                f"--networks {self.folder} names no folder: give the one with cartpole_dqn.npz, or "
                "leave it out for networks from a seed"
            )
        for peer in self.interpreters:
            if peer not in self.peers:
                raise OptionError(
                    f"--python names {peer}, but only {', '.join(self.peers)} are timed: add it to "
                    "--peer"
                )
            interpreter(peer, self.interpreters)
        others = tuple(name for name in dict.fromkeys(self.peers) if name != ENGINE)
        object.__setattr__(self, "peers", (ENGINE, *others))

    def batches_of(self, net: str) -> tuple[int, ...]:
        """Batch sizes in which ``net`` is timed."""
        if self.batches is not None:
            return self.batches
        return NETS[net].batches if net in NETS else policy_batches(Path(net))

    def cases(self) -> list[tuple[str, int, int]]:
        """(network, T, batch) in the order in which they are timed."""
        return [
            (net, steps, batch)
            for net in dict.fromkeys([*self.nets, *map(policy_name, self.policies)])
            for steps in dict.fromkeys(self.n_steps)
            for batch in dict.fromkeys(self.batches_of(net))
        ]
