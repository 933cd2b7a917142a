"""Digests of what the engine computes; `python -m engine_digests` prints them as JSON.

A process uses one instruction set, so that each one is checked in a process of its own, started
with DSQN_FORCE_ISA.
"""

from __future__ import annotations

import json
import sys

import numpy as np
from random_decisions import Decisions, all_decisions
from simulators import digests

from dsqn_fast.engine import Engine, active_isa


def run(case: Decisions) -> dict[str, str]:
    """Digests of the engine's result; asserts that no way of running it changes a bit."""
    options = case.options()
    engine = Engine(case.model, n_threads=case.n_threads, precision=options.pop("precision"))
    found = digests(engine.run(case.observations, record="all", **options))
    # Recorded populations run other code than those that are not.
    plain = digests(engine.run(case.observations, **options))
    assert plain == {name: found[name] for name in plain}, f"{case.name}: without recording"
    last = digests(engine.run(case.observations, record=(-1,), **options))
    assert last == {name: found[name] for name in last}, f"{case.name}: output recorded"
    _check_split(engine, case, found)
    return found


def _check_split(engine: Engine, case: Decisions, found: dict[str, str]) -> None:
    """The same decisions in two runs of one engine, the first of them empty now and then."""
    batch = len(case.observations)
    at = batch // 3
    parts = [
        engine.run(case.observations[low:high], seed=case.seed, decisions=case.first + low)
        for low, high in ((0, at), (at, batch))
    ]
    for name in ("actions", "outputs", "synaptic_operations"):
        whole = np.concatenate([getattr(part, name) for part in parts])
        again = engine.run(case.observations, seed=case.seed, decisions=case.first)
        np.testing.assert_array_equal(whole, getattr(again, name), err_msg=f"{case.name}: {name}")


def main() -> None:
    """Print the instruction set and the digests of every case."""
    found = {case.name: run(case) for case in all_decisions()}
    json.dump({"isa": active_isa(), "digests": found}, sys.stdout)


if __name__ == "__main__":
    main()
