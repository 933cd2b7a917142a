"""`dsqn-fast diagnose`: what a conversion would lose, before it is deployed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dsqn_fast.cli import conversion_options as options
from dsqn_fast.cli.output import JsonOption
from dsqn_fast.cli.source_options import SourceOptionsOption, parse_source_options


def diagnose(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(metavar="SOURCE", help="Source network, or a policy file: looked at as is."),
    ],
    env: options.EnvOption = None,
    source_option: SourceOptionsOption = None,
    normalization: options.NormalizationOption = "channel",
    percentile: options.PercentileOption = 0.999,
    initial_potential: options.PotentialOption = "half",
    reset: options.ResetOption = "subtraction",
    timing: options.TimingOption = "instant",
    n_steps: options.StepsOption = None,
    observations: options.ObservationsOption = None,
    calibrate_episodes: options.EpisodesOption = None,
    agreement: options.AgreementOption = 0.99,
    seed: options.SeedOption = 0,
    plot: options.PlotOption = None,
    json_file: JsonOption = None,
) -> None:
    """Look at a source network as it would be converted: gap, layers, agreement, advice.

    Example: dsqn-fast diagnose dqn-CartPole-v1.zip --env CartPole-v1 -T 64 --plot gap.png
    """
    from dsqn_fast.cli.conversion_tables import (
        diagnosis_rows,
        note_rows,
        print_diagnosis,
        spoken_progress,
        state_rows,
    )
    from dsqn_fast.cli.option_pairs import refuse_pairs_of_diagnose
    from dsqn_fast.cli.output import check_json, show, to_stdout
    from dsqn_fast.cli.source_options import refuse_source_options
    from dsqn_fast.cli.sources import load_source, notes_of
    from dsqn_fast.conversion.detail import Settings
    from dsqn_fast.conversion.figure import check_figure_path, draw_diagnosis
    from dsqn_fast.conversion.option_groups import AutoOptions, CalibrationOptions
    from dsqn_fast.conversion.options import Dynamics, Recipe
    from dsqn_fast.conversion.workflow import convert_and_diagnose, diagnose_policy
    from dsqn_fast.model_io import is_policy_file
    from dsqn_fast.output_files import check_separate

    check_json(json_file)
    source_options = parse_source_options(source_option)
    check_separate(
        {"--plot": plot, "--json": json_file},
        {"the source": source, "--observations": observations},
    )
    if plot is not None:
        check_figure_path(plot)
    recipe = Recipe(
        normalization=normalization,  # type: ignore[arg-type]
        percentile=percentile,
        initial_potential=initial_potential,  # type: ignore[arg-type]
    )
    settings = Settings(
        dynamics=Dynamics(reset=reset, timing=timing),  # type: ignore[arg-type]
        env_id=env,
        n_steps=n_steps,
        seed=seed,
        calibration=CalibrationOptions(episodes=calibrate_episodes),
        auto=AutoOptions(agreement=agreement),
    )
    is_policy = is_policy_file(source)
    refuse_pairs_of_diagnose(context, of_policy=is_policy)
    with spoken_progress() as say:
        if is_policy:
            from dsqn_fast.model_io import load_policy

            refuse_source_options(
                source_options, "the source is a policy file, which says all of it"
            )
            policy = load_policy(source)
            found, ann = diagnose_policy(policy, observations, settings=settings), policy.source
            states = []
        else:
            ann = load_source(source, env_id=env, options=source_options)
            outcome = convert_and_diagnose(
                ann,
                observations,
                recipe=recipe,
                settings=settings,
                progress=say,
            )
            found, states = outcome.diagnosis, state_rows(outcome)
    if plot is not None:
        draw_diagnosis(found, plot)
    notes = notes_of(ann)
    data = {"source": source, "source_notes": notes, **found.to_dict()}
    rows = [*diagnosis_rows(found), *states, *note_rows(notes)]
    show(Path(source).name, rows, data, json_file)
    if not to_stdout(json_file):
        print_diagnosis(found)
