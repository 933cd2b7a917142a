"""Spikes one by one beside all steps at once: from which density on the latter is faster.

    python benchmarks/crossover.py --plot runs/crossover.png

A block of 64 steps of a float32 population of few neurons. Spike by spike, time grows with the
density; with lanes along time it does not, but each four neurons cost as much again. The engine
chooses by the number of spikes that arrive (`fewest_spikes` in `cpp/src/kernels/steps.inc`).
Shortest times, taken in turns; instruction sets without the second way show the first one twice.
"""

from __future__ import annotations

import argparse
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dsqn_fast import _core as core
from dsqn_fast import active_isa
from dsqn_fast.figures import COLOURS, new_figure
from dsqn_fast.output_files import write_whole

OUTPUTS = (4, 8, 12, 16)
DENSITIES = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9)


@dataclass(frozen=True)
class Curves:
    """Seconds of a block against the density.

    Attributes:
        outputs: Neurons that receive.
        spikes: Seconds at each density, spike by spike.
        steps: The same for all steps at once.
    """

    outputs: int
    spikes: tuple[float, ...]
    steps: tuple[float, ...]

    def crossover(self) -> float | None:
        """Density at which both take as long, between two that were measured; None if nowhere."""
        gain = np.array(self.spikes) - np.array(self.steps)
        above = np.flatnonzero(gain > 0)
        if above.size == 0:
            return None
        i = int(above[0])
        if i == 0:
            return DENSITIES[0]
        return float(np.interp(0, gain[i - 1 : i + 1], DENSITIES[i - 1 : i + 1]))


def measure(inputs: int, outputs: int, rounds: int, seconds: float) -> Curves:
    """Shortest times of both ways."""
    best = np.full((2, len(DENSITIES)), np.inf)
    for _ in range(rounds):
        for i, density in enumerate(DENSITIES):
            for way, all_steps in enumerate((False, True)):
                found = core.block_seconds(inputs, outputs, density, all_steps, seconds)
                best[way, i] = min(best[way, i], found)
    return Curves(outputs, tuple(best[0].tolist()), tuple(best[1].tolist()))


def table(curves: list[Curves]) -> list[str]:
    """A Markdown row per density: spike by spike / all steps, in microseconds."""
    heads = " | ".join(f"{one.outputs} neurons" for one in curves)
    lines = [f"| density | {heads} |", "|---" * (len(curves) + 1) + "|"]
    for i, density in enumerate(DENSITIES):
        cells = [f"{one.spikes[i] * 1e6:.1f} / {one.steps[i] * 1e6:.1f}" for one in curves]
        lines.append(f"| {density:g} | {' | '.join(cells)} |")
    crossings = [one.crossover() for one in curves]
    shown = ["none" if c is None else f"{c:.2f}" for c in crossings]
    lines.append(f"| crossover | {' | '.join(shown)} |")
    return lines


def draw(curves: list[Curves], path: Path) -> None:
    """Both ways against the density, a panel for each number of neurons."""
    figure = new_figure(2.6 * len(curves), 2.6)
    panels = figure.subplots(1, len(curves), squeeze=False, sharey=True).ravel()
    for panel, one in zip(panels, curves, strict=True):
        panel.plot(DENSITIES, np.array(one.spikes) * 1e6, color=COLOURS[0], label="spike by spike")
        panel.plot(DENSITIES, np.array(one.steps) * 1e6, color=COLOURS[1], label="all steps")
        panel.set_title(f"{one.outputs} neurons", fontsize="small")
        panel.set_xlabel("spikes per neuron and step", fontsize="small")
        panel.set_ylim(bottom=0)
    panels[0].set_ylabel("µs per 64 steps", fontsize="small")
    panels[0].legend(fontsize="x-small")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    write_whole(path, picture.getvalue())


def main() -> None:
    """Measure, print, and draw where asked."""
    parser = argparse.ArgumentParser(description="Spikes one by one beside all steps at once.")
    parser.add_argument("--inputs", type=int, default=1000, help="neurons that send")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.02, help="of each measurement")
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    if options.inputs < 1:
        parser.error(f"--inputs must be 1 or more, not {options.inputs}")
    curves = [measure(options.inputs, n, options.rounds, options.seconds) for n in OUTPUTS]
    print(
        f"kernels {active_isa()}, {options.inputs} neurons send, µs per block of 64 steps, ", end=""
    )
    print("spike by spike / all steps\n")
    print("\n".join(table(curves)))
    if options.plot is not None:
        draw(curves, options.plot)


if __name__ == "__main__":
    main()
