"""`dsqn-fast train`: train a network and keep the best one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dsqn_fast.cli.output import JsonOption
from dsqn_fast.cli.train_classifier import (
    DaggerOption,
    ObservationsOption,
    RuleOption,
    TeacherOption,
)
from dsqn_fast.cli.train_seeds import CompareOption, JobsOption, SeedsOption, TimeoutOption

METHODS_HELP = (
    "dqn, double-dqn, dsqn, a2c, ppo or reinforce; classifier or spiking-classifier of a teacher's "
    "actions; ppo, pqn, dqn or double-dqn for Atari games."
)


def train(
    context: typer.Context,
    method: Annotated[str, typer.Argument(metavar="METHOD", help=METHODS_HELP)],
    env: Annotated[str, typer.Option("--env", metavar="ID", help="Environment to learn.")],
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    preset: Annotated[
        str | None, typer.Option(help="Named hyperparameters: default or thesis.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Hyperparameters as YAML: lines like gamma: 0.98."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Change a hyperparameter; repeatable."),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Environment steps, short for --set total_steps=N.")
    ] = None,
    n_steps: Annotated[
        int | None,
        typer.Option(
            metavar="T",
            help="Time steps that the best network is converted for, default 32; of dsqn, that "
            "it learns with.",
        ),
    ] = None,
    timing: Annotated[
        str | None,
        typer.Option(help="Of dsqn: instant, nest or spytorch, short for --set timing=..."),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(help="Where torch learns: cpu, cuda or auto; short for --set device=..."),
    ] = None,
    teacher: TeacherOption = None,
    observations: ObservationsOption = None,
    dagger: DaggerOption = None,
    rule: RuleOption = None,
    convert: Annotated[
        bool, typer.Option("--convert/--no-convert", help="Convert the best network.")
    ] = True,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder of the run; default in runs/.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the unfinished run in that folder.")
    ] = False,
    seeds: SeedsOption = None,
    jobs: JobsOption = None,
    timeout: TimeoutOption = None,
    compare: CompareOption = None,
    json_file: JsonOption = None,
) -> int:
    """Train a network, evaluate it as it learns, and keep the best one in the run's folder.

    Example: dsqn-fast train dqn --env CartPole-v1 --seeds 0-4
    """
    from dsqn_fast.cli.option_pairs import refuse_pairs_of_train
    from dsqn_fast.cli.output import check_json, number, show
    from dsqn_fast.cli.train_classifier import by_rule, teacher_rows
    from dsqn_fast.cli.train_options import parse_request
    from dsqn_fast.cli.train_seeds import train_several
    from dsqn_fast.cli.training_bar import training_bar
    from dsqn_fast.cli.training_tables import spiking_rows, training_rows
    from dsqn_fast.training import load_method

    check_json(json_file)
    refuse_pairs_of_train(context)
    method = by_rule(method, rule)
    trains = load_method(method, env)
    request = parse_request(
        config,
        settings or [],
        preset=preset,
        n_steps=n_steps,
        short={
            "total_steps": steps,
            "timing": timing,
            "device": device,
            "teacher": teacher,
            "observations": observations,
            "rounds": dagger,
        },
    )
    if seeds is not None:
        return train_several(
            context,
            method=method,
            env=env,
            seeds=seeds,
            jobs=jobs,
            timeout=timeout,
            compare=compare,
            out=out,
            resume=resume,
            json_file=json_file,
        )
    with training_bar() as progress:
        report = trains(
            method,
            env,
            seed=seed,
            out=out,
            resume=resume,
            progress=progress,
            **request.options(convert=convert),
        )
    rows = [
        *training_rows(report),
        *([] if report.spiking is None else spiking_rows(report.spiking)),
        *([] if report.teacher is None else teacher_rows(report.teacher)),
        ("seconds", number(report.seconds, 1)),
        ("folder", str(report.folder)),
    ]
    show(f"{method} on {report.env_id}, seed {report.seed}", rows, report.to_dict(), json_file)
    return 0
