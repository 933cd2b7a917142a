"""`dsqn-fast bench`: the engine beside what a user would pick instead."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dsqn_fast.cli.output import JsonOption


def bench(
    net: Annotated[
        list[str] | None,
        typer.Option(
            help="Network, several with commas: cartpole, mountaincar, sparse, nature-cnn; "
            "without, and without --policy, all of them."
        ),
    ] = None,
    policy: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Time a policy on states of its environment; repeatable."
        ),
    ] = None,
    peer: Annotated[
        list[str] | None,
        typer.Option(help="Peer, several with commas, such as numpy,torch; without, all."),
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option(metavar="NUMBERS", help="Observations per call, such as 1,64."),
    ] = None,
    n_steps: Annotated[
        str, typer.Option("--n-steps", "-T", metavar="NUMBERS", help="Time steps, such as 100,500.")
    ] = "100",
    rounds: Annotated[int, typer.Option(help="Rounds in which all peers take turns.")] = 7,
    seconds: Annotated[float, typer.Option(help="Seconds of a peer in one round.")] = 0.05,
    seed: Annotated[int, typer.Option(help="Seed of networks that are not trained.")] = 0,
    networks: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder of the thesis's networks.")
    ] = None,
    python: Annotated[
        list[str] | None,
        typer.Option(metavar="PEER=PATH", help="Python that runs a peer; repeatable."),
    ] = None,
    json_file: JsonOption = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw the times as bars.")
    ] = None,
) -> None:
    """Time the engine beside NumPy, Numba, PyTorch and other simulators, decisions compared first.

    Example: dsqn-fast bench --net cartpole --peer numpy,torch --batch 1,64
    """
    from dsqn_fast.benchmarking.bars import check_picture, draw_bars
    from dsqn_fast.benchmarking.interpreters import parse_interpreters
    from dsqn_fast.benchmarking.nets import NETS
    from dsqn_fast.benchmarking.peers.catalogue import PEERS
    from dsqn_fast.benchmarking.plan import Plan
    from dsqn_fast.benchmarking.rounds import run_benchmark
    from dsqn_fast.cli.bench_bar import bench_bar
    from dsqn_fast.cli.bench_lists import numbers, words
    from dsqn_fast.cli.bench_tables import show_report
    from dsqn_fast.cli.output import check_json
    from dsqn_fast.output_files import check_separate

    check_json(json_file)
    inputs = {f"--policy {path}": path for path in policy or ()}
    check_separate({"--plot": plot, "--json": json_file}, inputs)
    if plot is not None:
        check_picture(plot)
    plan = Plan(
        nets=words(net) or (() if policy else tuple(NETS)),
        policies=tuple(policy or ()),
        peers=words(peer) or tuple(PEERS),
        batches=None if batch is None else numbers("--batch", batch),
        n_steps=numbers("--n-steps", n_steps),
        rounds=rounds,
        slice_seconds=seconds,
        seed=seed,
        folder=networks,
        interpreters=parse_interpreters(python or []),
    )
    with bench_bar() as progress:
        report = run_benchmark(plan, progress)
    if plot is not None:
        draw_bars(report, plot)
    show_report(report, json_file)
