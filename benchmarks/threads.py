"""What a second thread brings: time of one and of two threads, network by network.

    python benchmarks/threads.py

Shortest times, taken in turns. On a machine whose cores are busy the ratio says nothing: read it
beside the load that is printed.
"""

from __future__ import annotations

import argparse
import os
from functools import partial

import numpy as np
from interleaved import shortest

from dsqn_fast import Engine, active_isa
from dsqn_fast.benchmarking.bars import readable
from dsqn_fast.benchmarking.nets import NETS, load_net
from dsqn_fast.model.options import PRECISIONS

N_STEPS = 100


def times(name: str, batch: int, precision: str, threads: int, rounds: int) -> tuple[float, float]:
    """Seconds of a call with one thread and with ``threads``."""
    net = load_net(name)
    repeated = np.resize(net.observations, (batch, *net.observations.shape[1:]))
    observations = np.ascontiguousarray(repeated, np.float32)
    calls = {
        n: partial(
            Engine(net.model, n_threads=n, precision=precision).run,  # type: ignore[arg-type]
            observations,
            n_steps=N_STEPS,
        )
        for n in (1, threads)
    }
    seconds = shortest(calls, rounds=rounds)
    return seconds[1], seconds[threads]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="One thread beside several.")
    parser.add_argument("--net", action="append", choices=tuple(NETS), help="default: all")
    parser.add_argument("--batch", type=int, action="append", help="default: 1, 4, 16, 64")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--precision", choices=PRECISIONS, default="float32")
    options = parser.parse_args()
    if options.threads < 2:
        parser.error(f"--threads must be 2 or more, not {options.threads}")
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f} at the start, kernels {active_isa()}, ", end="")
    print(f"{options.precision}, T = {N_STEPS}\n")
    print(f"| network | batch | 1 thread | {options.threads} threads | times as fast |")
    print("|---|---|---|---|---|")
    for name in options.net or NETS:
        for batch in options.batch or (1, 4, 16, 64):
            one, several = times(name, batch, options.precision, options.threads, options.rounds)
            print(
                f"| {NETS[name].title} | {batch} | {readable(one)} | {readable(several)} "
                f"| {one / several:.2f} |"
            )


if __name__ == "__main__":
    main()
