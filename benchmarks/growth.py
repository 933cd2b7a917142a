"""How the engine's time grows with T, width, density and batch, printed and drawn.

    python benchmarks/growth.py --plot runs/growth.png

Theory: straight lines against T, against synapses (the square of the width, as long as the weights
fit the same cache), against density and against the batch, each with an offset for what is done
once. The picture shows the measured points and the line that fits them; the table shows the largest
deviation from it, and what ten times T costs.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from interleaved import interleaved, straight_line

from dsqn_fast import Engine, convert
from dsqn_fast.benchmarking.nets import NETS, load_net
from dsqn_fast.benchmarking.report import Spread
from dsqn_fast.benchmarking.seeded_nets import random_mlp, with_density
from dsqn_fast.figures import COLOURS, new_figure
from dsqn_fast.model import SpikingModel
from dsqn_fast.output_files import write_whole

N_STEPS = 100
DENSITY = 0.1
STEPS = (50, 100, 200, 500, 1000)
WIDTHS = (128, 256, 512, 768, 1024)
DENSITIES = (0.02, 0.05, 0.1, 0.2, 0.3)
BATCHES = (1, 4, 16, 32, 64)
LIMIT = 10.5


@dataclass(frozen=True)
class Series:
    """Times against one quantity.

    Attributes:
        title: Of the network, and what is held constant.
        quantity: Name of the horizontal axis.
        x: What theory says the time is linear in.
        seconds: Time of one call at each of them.
    """

    title: str
    quantity: str
    x: tuple[float, ...]
    seconds: tuple[Spread, ...]

    def fit(self) -> tuple[float, float, float]:
        """Offset, slope and largest relative deviation of the straight line."""
        return straight_line(self.x, [s.median for s in self.seconds])


def series(
    title: str, quantity: str, calls: dict[float, Callable[[], object]], rounds: int
) -> Series:
    """Measure the calls in turns."""
    times = interleaved(calls, rounds=rounds)
    return Series(title, quantity, tuple(times), tuple(times.values()))


def dense(width: int, density: float) -> tuple[SpikingModel, Any]:
    """[width, width, width, 4] at a density of spikes, and one observation."""
    rng = np.random.default_rng(0)
    ann = random_mlp((width, width, width, 4), rng)
    observations = rng.uniform(0, 1, (64, width)).astype(np.float32)
    model = convert(ann, observations, normalization="robust", n_steps=N_STEPS)
    return with_density(model, observations[:16], density), observations[:1]


def measure(rounds: int) -> list[Series]:
    """All series: T and batch for every network of the benchmark, width and density for one."""
    found = []
    for name, info in NETS.items():
        net = load_net(name)
        run = Engine(net.model).run
        one = net.observations[:1]
        steps = {float(t): partial(run, one, n_steps=t) for t in STEPS}
        found.append(series(f"{info.title}, batch 1", "T", steps, rounds))
        batches = [b for b in BATCHES if b <= max(info.batches)]
        rows = {float(b): partial(run, net.observations[:b], n_steps=N_STEPS) for b in batches}
        found.append(series(f"{info.title}, T = {N_STEPS}", "batch", rows, rounds))
    widths = {}
    for width in WIDTHS:
        model, one = dense(width, DENSITY)
        widths[float(width**2)] = partial(Engine(model).run, one, n_steps=N_STEPS)
    title = f"[w,w,w,4], density {DENSITY}, T = {N_STEPS}"
    found.append(series(title, "width squared", widths, rounds))
    densities = {}
    for density in DENSITIES:
        model, one = dense(512, density)
        densities[reached(model, one)] = partial(Engine(model).run, one, n_steps=N_STEPS)
    title = f"[512,512,512,4], T = {N_STEPS}"
    found.append(series(title, "density", densities, rounds))
    return found


def reached(model: SpikingModel, observation: Any) -> float:
    """Density of spikes in this very decision."""
    hidden = Engine(model).run(observation, n_steps=N_STEPS).spike_counts[:-1]
    return float(sum(c.sum() for c in hidden) / (sum(c.size for c in hidden) * N_STEPS))


def table(found: list[Series]) -> list[str]:
    """A Markdown row per series."""
    lines = [
        "| network | against | from | to | time | largest deviation from a straight line |",
        "|---|---|---|---|---|---|",
    ]
    for one in found:
        first, last = one.seconds[0].median * 1e6, one.seconds[-1].median * 1e6
        lines.append(
            f"| {one.title} | {one.quantity} | {one.x[0]:g} | {one.x[-1]:g} "
            f"| {first:.3g} µs to {last:.3g} µs | {100 * one.fit()[2]:.0f} % |"
        )
    return lines


def tenfold(found: list[Series]) -> list[str]:
    """What ten times T costs, per network."""
    lines = []
    for one in (s for s in found if s.quantity == "T"):
        times = dict(zip(one.x, one.seconds, strict=True))
        for few in (50.0, 100.0):
            ratio = times[10 * few].median / times[few].median
            verdict = "at most" if ratio <= LIMIT else "MORE than"
            lines.append(
                f"{one.title}: T = {10 * few:g} costs {ratio:.2f} times T = {few:g}, "
                f"{verdict} {LIMIT}"
            )
    return lines


def draw(found: list[Series], path: Path) -> None:
    """Points with quartiles and the fitted line, a panel per series."""
    columns = 2
    lines = -(-len(found) // columns)
    figure = new_figure(5.2 * columns, 2.6 * lines)
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    for panel, one in zip(panels, found, strict=False):
        x = np.array(one.x)
        offset, slope, deviation = one.fit()
        medians, lows, highs = (
            np.array([getattr(s, name) for s in one.seconds]) * 1e6
            for name in ("median", "low", "high")
        )
        panel.plot(x, (offset + slope * x) * 1e6, color=COLOURS[1], label="straight line")
        panel.errorbar(
            x, medians, [medians - lows, highs - medians], fmt="o", color=COLOURS[0], capsize=2
        )
        panel.set_title(one.title, fontsize="small")
        panel.set_xlabel(one.quantity, fontsize="small")
        panel.set_ylabel("µs per call", fontsize="small")
        panel.set_xlim(left=0)
        panel.set_ylim(bottom=0)
        note = f"deviates by {100 * deviation:.0f} % at most"
        panel.text(0.04, 0.9, note, transform=panel.transAxes, fontsize="x-small")
    for panel in panels[len(found) :]:
        panel.set_axis_off()
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    write_whole(path, picture.getvalue())


def main() -> None:
    """Measure, print, and draw where asked."""
    parser = argparse.ArgumentParser(description="Growth of the engine's time.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    found = measure(options.rounds)
    print("\n".join([*table(found), "", *tenfold(found)]))
    if options.plot is not None:
        draw(found, options.plot)


if __name__ == "__main__":
    main()
