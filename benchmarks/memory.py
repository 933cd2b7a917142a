"""Memory of an engine of the CNN: its weights once, and the state of each thread.

    python benchmarks/memory.py

Each figure is taken in a process of its own, from what the kernel counts (anonymous resident
memory): before the engine is made, after, and at the peak of a run with one decision per thread,
whose results (0.1 MiB per decision) count as state.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from dsqn_fast import Engine, load_policy
from dsqn_fast.benchmarking.nets import load_net
from dsqn_fast.model import SpikingModel
from dsqn_fast.model.options import PRECISIONS

MIB = 2**20
LIMIT = 4.0
THREADS = (1, 2, 4, 8)
N_STEPS = 100


def status(field: str) -> int:
    """Bytes that /proc/self/status states."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {field}")


def settle() -> None:
    """Give freed memory back, and let the peak count from now on."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")


def child(policy: str, observations: str, threads: int, precision: str) -> dict[str, int]:
    """Build and run in this process; bytes of the engine and of the run's peak above it."""
    model = load_policy(policy)
    rows = np.load(observations, allow_pickle=False)
    # What is loaded once per process, whatever the network, is no part of the figures.
    small = load_net("cartpole")
    Engine(small.model, n_threads=threads).run(small.observations)
    settle()
    before = status("VmRSS")
    engine = Engine(model, n_threads=threads, precision=precision)  # type: ignore[arg-type]
    settle()
    built = status("VmRSS")
    actions = engine.run(rows, n_steps=N_STEPS).actions
    peak = status("VmHWM")
    assert len(actions) == len(rows)
    return {"engine": built - before, "run": peak - built}


def weight_bytes(model: SpikingModel) -> int:
    """Bytes of all weights in float32."""
    return 4 * sum(population.connection.weight.size for population in model.populations)


def measure(precision: str) -> dict[int, dict[str, int]]:
    """Threads -> bytes, each in a process of its own."""
    net = load_net("nature-cnn")
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        policy, rows = Path(folder) / "net.npz", Path(folder) / "rows.npy"
        net.model.replace(source=None).save(policy)
        for threads in THREADS:
            np.save(rows, net.observations[:threads])
            words = [str(policy), str(rows), str(threads), precision]
            command = [sys.executable, __file__, "--child", *words]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            found[threads] = json.loads(output)
    return found


def main() -> None:
    """Measure and print, or be the child that is measured."""
    parser = argparse.ArgumentParser(description="Memory of the engine on the Nature CNN.")
    parser.add_argument("--precision", choices=PRECISIONS, default="float32")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        policy, rows, threads, precision = options.child
        print(json.dumps(child(policy, rows, int(threads), precision)))
        return
    weights = weight_bytes(load_net("nature-cnn").model) / MIB
    print(f"weights in float32: {weights:.2f} MiB; engine in {options.precision}\n")
    print("| threads | engine MiB | peak of a run above it MiB | per thread MiB | below 4 MiB |")
    print("|---|---|---|---|---|")
    for threads, bytes_of in measure(options.precision).items():
        engine, run = bytes_of["engine"] / MIB, bytes_of["run"] / MIB
        verdict = "yes" if run / threads < LIMIT else "NO"
        print(f"| {threads} | {engine:.2f} | {run:.2f} | {run / threads:.2f} | {verdict} |")


if __name__ == "__main__":
    main()
