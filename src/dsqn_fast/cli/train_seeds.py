"""`dsqn-fast train --seeds`: the same command once per seed, and what they came to."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from dsqn_fast.training.seed_process import Watch

SeedsOption = Annotated[
    str | None,
    typer.Option(metavar="LIST", help="Several seeds, such as 0,1,2 or 0-4: a folder for each."),
]
JobsOption = Annotated[
    int | None, typer.Option(help="With --seeds: runs side by side; default one per core.")
]
TimeoutOption = Annotated[
    float | None, typer.Option(metavar="SECONDS", help="With --seeds: time that a run may take.")
]
CompareOption = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="With --seeds: compare with another training's seeds."),
]

OF_ALL_SEEDS: Final = ("seed", "seeds", "jobs", "timeout", "compare", "out", "resume", "json_file")
"""Parameters that are not handed on to the command of one seed."""
EXIT_SOME_FAILED: Final = 1


def train_several(
    context: typer.Context,
    *,
    method: str,
    env: str,
    seeds: str,
    jobs: int | None,
    timeout: float | None,
    compare: Path | None,
    out: Path | None,
    resume: bool,
    json_file: Path | None,
) -> int:
    """Train with several seeds and show their summary.

    Args:
        context: Of the command, whose other options are handed on.
        method: Method of training.
        env: Environment.
        seeds: The seeds as they were typed.
        jobs: Runs side by side.
        timeout: Seconds that a run may take.
        compare: Folder of another training with several seeds.
        out: Folder of the run folders; None for one in runs/.
        resume: Go on with what is there.
        json_file: Where the summary goes.

    Returns:
        Exit status: 0, or 1 if some seeds failed.
    """
    from dsqn_fast.cli.output import check_json, show
    from dsqn_fast.cli.seed_tables import print_seeds, summary_rows
    from dsqn_fast.training.seed_summary import SeedSummary, read_summary
    from dsqn_fast.training.seeds import parse_seeds, run_seeds

    check_json(json_file)
    other = None if compare is None else read_summary(compare)
    name = f"{method}-{env}"
    root = Path("runs") / f"{name}-seeds".replace("/", "-").replace(":", "-")
    root = root if out is None else out
    words = words_of(context)
    chosen = parse_seeds(seeds)
    with seeds_bar(len(chosen)) as watch:
        runs = run_seeds(
            words, chosen, root=root, jobs=jobs, resume=resume, timeout=timeout, watch=watch
        )
    summary = SeedSummary(
        method=method,
        env_id=env,
        command=shlex.join(["dsqn-fast", "train", *words, "--seeds", seeds]),
        runs=runs,
        other=other,
    )
    summary.write(root)
    if str(json_file) != "-":
        print_seeds(summary)
    rows = [*summary_rows(summary), ("folder", str(root))]
    show(f"{name}, {len(chosen)} seeds", rows, summary.to_dict(), json_file)
    return 0 if len(summary.finished) == len(runs) else EXIT_SOME_FAILED


def words_of(context: typer.Context) -> list[str]:
    """The words of a command as it was called, without what belongs to all seeds."""
    arguments, options = [], []
    for parameter in context.command.params:
        value = context.params.get(str(parameter.name))
        if parameter.name in OF_ALL_SEEDS or value is None:
            continue
        if parameter.param_type_name == "argument":
            arguments.append(str(value))
        elif value != parameter.get_default(context):
            options += _option(parameter, value)
    return [*arguments, *options]


def _option(parameter: Any, value: Any) -> list[str]:
    """An option with its value as it is typed."""
    if isinstance(value, bool):
        return [parameter.opts[0] if value else parameter.secondary_opts[0]]
    name = max(parameter.opts, key=len)
    values = value if isinstance(value, list | tuple) else [value]
    return [word for one in values for word in (name, str(one))]


@contextmanager
def seeds_bar(total: int) -> Iterator[Watch]:
    """Show the last evaluation of every seed; on stderr, only on a terminal, gone at the end."""
    from rich.console import Console
    from rich.progress import Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), TextColumn("{task.fields[at]}"))
    shown: dict[int, Any] = {}
    with Progress(
        *columns, TimeElapsedColumn(), console=console, transient=True,
        disable=not console.is_terminal,
    ) as bar:  # fmt: skip
        bar.add_task(f"{total} seeds", at="")

        def watch(seed: int, evaluation: Mapping[str, Any]) -> None:
            if seed not in shown:
                shown[seed] = bar.add_task(f"seed {seed}", at="")
            at = f"step {evaluation.get('step')}, return {evaluation.get('mean_return')}"
            bar.update(shown[seed], at=at)

        yield watch
