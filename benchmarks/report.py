"""The table of benchmarks/README.md from the JSON file of a benchmark run.

    pytest benchmarks --benchmark-json=runs/benchmark.json
    python benchmarks/report.py runs/benchmark.json

Times are the fastest round: what else runs on the machine can only add to it. Ratios compare
times of one process.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def decisions_table(benchmarks: list[dict[str, Any]]) -> list[str]:
    """A row per network, batch and T: microseconds per call, and NumPy's time over the engine's."""
    groups: dict[str, dict[str, dict[str, Any]]] = {}
    for entry in benchmarks:
        if entry["extra_info"]["runner"] != "call":
            groups.setdefault(entry["group"], {})[entry["extra_info"]["runner"]] = entry
    lines = [
        "| network | weights | batch | T | spikes per neuron and step | engine µs | NumPy loop µs "
        "| ratio | NumPy by layer µs | ratio |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for runners in groups.values():
        info = runners["engine"]["extra_info"]
        times = {name: entry["stats"]["min"] * 1e6 for name, entry in runners.items()}
        engine = times["engine"]
        peers = [
            f"{times[name]:.0f} | **{times[name] / engine:.1f}**"
            for name in ("numpy", "numpy-by-layer")
        ]
        lines.append(
            f"| {info['network']} | {info['origin']} | {info['batch']} | {info['n_steps']} "
            f"| {info['density']:.3f} | {engine:.1f} | {' | '.join(peers)} |"
        )
    return lines


def call_lines(benchmarks: list[dict[str, Any]]) -> list[str]:
    """What one call costs beside the simulation, from two batches of one step.

    The rows of a batch differ in simulation only, so the slope over the batch is the time of
    one decision in C++, and the rest of a call of one row is overhead.
    """
    times = {
        entry["extra_info"]["batch"]: entry["stats"]["min"] * 1e6
        for entry in benchmarks
        if entry["extra_info"]["runner"] == "call"
    }
    (small, one), (large, many) = sorted(times.items())
    row = (many - one) / (large - small)
    return [
        f"A call of `Engine.run` with one observation and T = 1 takes {one:.2f} µs: {row:.2f} µs "
        f"in the simulation, {one - small * row:.2f} µs of overhead."
    ]


def machine_line(data: dict[str, Any]) -> str:
    """Processor and versions that the times belong to."""
    cpu, info = data["machine_info"]["cpu"], data["benchmarks"][0]["extra_info"]
    versions = ", ".join(f"{name} {version}" for name, version in info["versions"].items())
    return (
        f"{cpu['brand_raw']} ({cpu['count']} cores), kernels {info['isa']}, "
        f"Python {data['machine_info']['python_version']}, {versions}; {data['datetime'][:10]}"
    )


def main(arguments: list[str]) -> None:
    """Print the report of the file that the command line names."""
    data = json.loads(Path(arguments[0]).read_text())
    benchmarks = data["benchmarks"]
    print("\n".join([machine_line(data), "", *decisions_table(benchmarks), ""]))
    print("\n".join(call_lines(benchmarks)))


if __name__ == "__main__":
    main(sys.argv[1:])
