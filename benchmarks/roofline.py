"""Synaptic operations per second of each layer of the CNN beside the peak of row additions.

    python benchmarks/roofline.py

The peak is measured in the same run: float32 load, add, store on rows that lie in the L1 cache.
A layer's time is the time of the network cut after it less that of the network cut before it; the
last layer of a cut network takes its input but does not spike. The first layer has a constant
current and so no synaptic operations; layers with less than a hundredth of all operations get no
rate, since their time is a small difference of large ones.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import partial

from interleaved import interleaved

from dsqn_fast import Engine, active_isa
from dsqn_fast import _core as core
from dsqn_fast.benchmarking.nets import load_net
from dsqn_fast.connectivity import fan_out
from dsqn_fast.model import SpikingLayer, SpikingModel
from dsqn_fast.model.options import PRECISIONS

N_STEPS = 100
GOAL = 0.6


@dataclass(frozen=True)
class LayerRate:
    """What a layer does.

    Attributes:
        name: Kind and shape.
        operations: Additions of one weight to one neuron, per decision.
        seconds: Per decision.
    """

    name: str
    operations: int
    seconds: float


def cut(model: SpikingModel, populations: int) -> SpikingModel:
    """``model`` with its first populations only, without its source."""
    ends = [i for i, layer in enumerate(model.layers) if isinstance(layer, SpikingLayer)]
    return model.replace(layers=model.layers[: ends[populations - 1] + 1], source=None)


def operations(model: SpikingModel, observation: object) -> list[int]:
    """Synaptic operations of one decision that each population receives; 0 for the first."""
    result = Engine(model).run(observation, n_steps=N_STEPS)
    leaving = fan_out(model)[1:]
    sent = [
        int((counts.ravel() * fan).sum())
        for counts, fan in zip(result.spike_counts, leaving, strict=True)
    ]
    return [0, *sent[:-1]]


def measure(precision: str, rounds: int) -> list[LayerRate]:
    """The rate of each layer of the Nature CNN, batch 1."""
    net = load_net("nature-cnn")
    observation = net.observations[:1]
    parts = len(net.model.populations)
    calls = {
        n: partial(
            Engine(cut(net.model, n), precision=precision).run,  # type: ignore[arg-type]
            observation,
            n_steps=N_STEPS,
        )
        for n in range(1, parts + 1)
    }
    times = {n: seconds.median for n, seconds in interleaved(calls, rounds=rounds).items()}
    work = operations(net.model, observation)
    rates = []
    for n, population in enumerate(net.model.populations, start=1):
        connection = population.connection
        name = f"{type(connection).__name__} {'x'.join(map(str, connection.weight.shape))}"
        rates.append(LayerRate(name, work[n - 1], times[n] - times.get(n - 1, 0.0)))
    return rates


def peak(seconds: float) -> float | None:
    """Row additions per second in L1, or None where this build does not measure them."""
    measured = getattr(core, "row_add_rate", None)
    return None if measured is None else float(measured(seconds))


def share(rate: float, highest: float | None) -> str:
    """A rate as a share of the peak."""
    return "-" if highest is None else f"{rate / highest:.2f}"


def table(rates: list[LayerRate], highest: float | None) -> list[str]:
    """A Markdown row per layer and one for all that have synaptic operations."""
    lines = [
        "| layer | µs | million operations | billion operations per second | share of peak |",
        "|---|---|---|---|---|",
    ]
    total = sum(rate.operations for rate in rates)
    active = [rate for rate in rates if rate.operations > total / 100]
    whole = LayerRate(
        "those with a rate", sum(r.operations for r in active), sum(r.seconds for r in active)
    )
    for rate in [*rates, whole]:
        per_second = rate.operations / rate.seconds
        counts = rate.operations > total / 100
        shown = f"{per_second / 1e9:.2f}" if counts else "-"
        relative = share(per_second, highest) if counts else "-"
        lines.append(
            f"| {rate.name} | {rate.seconds * 1e6:.0f} | {rate.operations / 1e6:.2f} "
            f"| {shown} | {relative} |"
        )
    return lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="The engine beside the row-add roofline.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--precision", choices=PRECISIONS, default="float32")
    options = parser.parse_args()
    before = peak(0.2)
    rates = measure(options.precision, options.rounds)
    after = peak(0.2)
    highest = None if before is None or after is None else max(before, after)
    shown = "not measured by this build" if highest is None else f"{highest / 1e9:.2f} billion/s"
    print(f"kernels {active_isa()}, {options.precision}, T = {N_STEPS}, batch 1")
    print(f"peak of float32 row additions in L1: {shown}; goal: {GOAL} of it\n")
    print("\n".join(table(rates, highest)))


if __name__ == "__main__":
    main()
