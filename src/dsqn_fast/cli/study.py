"""`dsqn-fast study`: the comparisons as commands: list, run, report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dsqn_fast.cli.output import JsonOption

study = typer.Typer(
    add_completion=False,
    rich_markup_mode="rich",
    no_args_is_help=True,
    help="Compare ways to a spiking policy: many cells, with intervals, figures and a report.\n\n"
    "Example: dsqn-fast study run simulation-time --out studies/time && "
    "dsqn-fast study report studies/time -o report.html",
)


@study.command("list")
def list_studies(json_file: JsonOption = None) -> None:
    """Show the studies that come with the package, and what each asks.

    Example: dsqn-fast study list
    """
    from dsqn_fast.cli.output import check_json
    from dsqn_fast.cli.study_tables import show_list

    check_json(json_file)
    show_list(json_file)


@study.command("run")
def run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="A study of `study list`, or a file of your own.")],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where its rows are kept.")],
    policy: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Policies instead of the study's own; repeatable."),
    ] = None,
    env: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Environment of --policy, or only policies that play it."),
    ] = None,
    factor: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUES", help="Other values of a factor, such as n_steps=10,50."
        ),
    ] = None,
    episodes: Annotated[
        int | None, typer.Option(help="Episodes per cell; without, the study's own, mostly 100.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Conversions per cell, with seeds 0, 1, ...")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of the episodes.")] = 0,
    data: Annotated[
        list[Path] | None,
        typer.Option(metavar="FOLDER", help="Where files of policies are; repeatable."),
    ] = None,
    executor: Annotated[str, typer.Option(help="local (processes) or ray.")] = "local",
    address: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Ray cluster; without, a Ray of this machine."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(help="Cells at once; without, as many as there are cores.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Compute what is missing in the folder.")
    ] = False,
    json_file: JsonOption = None,
) -> None:
    """Run a study; every finished cell is kept at once, and --resume computes what is missing.

    A study of your own is a TOML file with a title, a question, policies, a grid of factors and
    metrics; docs/studies.md has an example. Factors: normalization, percentile,
    initial_potential, calibrate_bias, spikes, burst_limit, reset, encoding, decoding,
    two_output_neurons, timing, n_steps, precision, weight_bits,
    rounded_weights, early_exit, backend, backend_options, agent,
    disturbance, level, epsilon.

    Example: dsqn-fast study run resets --episodes 20 --out studies/resets
    """
    from dsqn_fast.cli.output import check_json
    from dsqn_fast.cli.study_progress import study_progress
    from dsqn_fast.cli.study_tables import show_run
    from dsqn_fast.studies.cells import Amount
    from dsqn_fast.studies.choice import choose
    from dsqn_fast.studies.run import Execution, run_study

    check_json(json_file)
    chosen, study_file = choose(name, policies=policy or [], env_id=env, factors=factor or [])
    execution = Execution(
        executor=executor,
        address=address,
        jobs=jobs,
        resume=resume,
        command=("study", "run", *_words(ctx)),
    )
    with study_progress(chosen) as progress:
        done = run_study(
            chosen,
            out,
            amount=Amount(
                episodes=chosen.episodes if episodes is None else episodes, seed=seed, seeds=seeds
            ),
            execution=execution,
            data=data or [],
            study_file=study_file,
            progress=progress,
        )
    show_run(out, done, json_file)


@study.command("report")
def report(
    folder: Annotated[
        Path, typer.Argument(help="What `study run` was given as --out, or a folder of such.")
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE.html", help="The page to write.")
    ],
    json_file: JsonOption = None,
) -> None:
    """Write one HTML page that needs no network, and its twin in Markdown.

    Example: dsqn-fast study report studies/resets -o resets.html
    """
    from dsqn_fast.cli.output import check_json
    from dsqn_fast.cli.steps_bar import steps_bar
    from dsqn_fast.cli.study_tables import show_report
    from dsqn_fast.studies.report import load_reports
    from dsqn_fast.studies.write_report import check_report_path, write_report

    check_json(json_file)
    check_report_path(output)
    with steps_bar("studies") as progress:
        reports = load_reports(folder, progress=progress)
    show_report(reports, write_report(reports, output), json_file)


def _words(ctx: typer.Context) -> list[str]:
    """The arguments that a command was called with, those left out excepted."""
    words = []
    for param in ctx.command.params:
        value = ctx.params.get(param.name or "")
        if value in (None, False, (), []) or value == param.default:
            continue
        many = value if isinstance(value, list | tuple) else [value]
        for one in many:
            option = [] if param.param_type_name == "argument" else [param.opts[0]]
            words += [*option, *([] if one is True else [str(one)])]
    return words
