"""`dsqn-fast convert`: a trained policy in, a spiking policy out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dsqn_fast.cli import conversion_options as options
from dsqn_fast.cli.output import JsonOption
from dsqn_fast.cli.playing_options import SourceArgument
from dsqn_fast.cli.source_options import SourceOptionsOption, parse_source_options


def convert(
    context: typer.Context,
    source: SourceArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE.npz", help="Policy file to write.")
    ],
    env: options.EnvOption = None,
    source_option: SourceOptionsOption = None,
    normalization: options.NormalizationOption = "auto",
    percentile: options.PercentileOption = 0.999,
    initial_potential: options.PotentialOption = "half",
    reset: options.ResetOption = "subtraction",
    timing: options.TimingOption = "instant",
    encoding: options.EncodingOption = "constant",
    decoding: options.DecodingOption = "potential",
    two_output_neurons: Annotated[
        bool, typer.Option("--two-output-neurons", help="Read negative outputs with count.")
    ] = False,
    spikes: options.SpikesOption = "binary",
    burst_limit: options.BurstOption = 5,
    calibrate_bias: options.BiasOption = False,
    n_steps: options.StepsOption = None,
    observations: options.ObservationsOption = None,
    calibrate_episodes: options.EpisodesOption = None,
    auto: Annotated[
        bool, typer.Option("--auto", help="The default: choose normalization and T.")
    ] = False,
    agreement: options.AgreementOption = 0.99,
    wanted_return: Annotated[
        float | None, typer.Option(help="Mean return that auto may settle for.")
    ] = None,
    max_steps: options.MaxStepsOption = 128,
    bursts: Annotated[
        bool, typer.Option("--bursts/--no-bursts", help="Let auto use burst spikes.")
    ] = True,
    early_exit: Annotated[
        float | None,
        typer.Option(metavar="AGREEMENT", help="Stop decisions early, keeping this agreement."),
    ] = None,
    early_exit_reference: Annotated[
        str, typer.Option(help="It is agreement with: source or all-steps.")
    ] = "source",
    distill: Annotated[
        bool, typer.Option("--distill", help="Teach a ReLU classifier where needed (torch).")
    ] = False,
    qcfs: Annotated[
        bool, typer.Option("--qcfs", help="Fine-tune for few steps where needed (torch).")
    ] = False,
    weights: options.WeightsOption = None,
    seed: options.SeedOption = 0,
    plot: options.PlotOption = None,
    json_file: JsonOption = None,
) -> None:
    """Convert a source network into a spiking policy, and say what that costs.

    Example: dsqn-fast convert dqn-CartPole-v1.zip -o policy.npz --env CartPole-v1
    """
    from dsqn_fast.cli.conversion_tables import show_outcome, spoken_progress
    from dsqn_fast.cli.option_pairs import refuse_pairs_of_convert
    from dsqn_fast.cli.output import check_json
    from dsqn_fast.cli.sources_to_convert import fine_tuning_routes, prepare_source
    from dsqn_fast.conversion.detail import Settings
    from dsqn_fast.conversion.figure import check_figure_path, draw_diagnosis
    from dsqn_fast.conversion.option_groups import AutoOptions, CalibrationOptions
    from dsqn_fast.conversion.options import Dynamics, Recipe
    from dsqn_fast.conversion.workflow import EarlyExitOptions, convert_and_diagnose
    from dsqn_fast.model.options import WEIGHTS_DTYPES, check_choice
    from dsqn_fast.output_files import check_separate, check_writable

    refuse_pairs_of_convert(context)
    if weights is not None:
        check_choice("weights", weights, WEIGHTS_DTYPES)
    check_writable(output)
    check_json(json_file)
    source_options = parse_source_options(source_option)
    check_separate(
        {"--output": output, "--plot": plot, "--json": json_file},
        {"the source": source, "--observations": observations},
    )
    if plot is not None:
        check_figure_path(plot)
    recipe = Recipe(
        normalization="auto" if auto else normalization,  # type: ignore[arg-type]
        percentile=percentile,
        initial_potential=initial_potential,  # type: ignore[arg-type]
        calibrate_bias=calibrate_bias,
        spikes=spikes,  # type: ignore[arg-type]
        burst_limit=burst_limit,
    )
    settings = Settings(
        dynamics=Dynamics(
            reset=reset,  # type: ignore[arg-type]
            encoding=encoding,  # type: ignore[arg-type]
            decoding=decoding,  # type: ignore[arg-type]
            timing=timing,  # type: ignore[arg-type]
            two_output_neurons=two_output_neurons,
        ),
        env_id=env,
        n_steps=n_steps,
        seed=seed,
        calibration=CalibrationOptions(episodes=calibrate_episodes),
        auto=AutoOptions(
            agreement=agreement,
            wanted_return=wanted_return,
            max_steps=max_steps,
            allow_bursts=bursts,
        ),
    )
    exit_options = None
    if early_exit is not None:
        exit_options = EarlyExitOptions(
            agreement=early_exit,
            reference=early_exit_reference,  # type: ignore[arg-type]
        )
    with spoken_progress() as say:
        ann, taught = prepare_source(
            source,
            env_id=env,
            options=source_options,
            observations=observations,
            may_distill=distill,
            n_steps=n_steps or max_steps,
            seed=seed,
        )
        outcome = convert_and_diagnose(
            ann,
            observations,
            recipe=recipe,
            settings=settings,
            early_exit=exit_options,
            routes=fine_tuning_routes(qcfs=qcfs, distill=distill),
            round_to_bytes=weights == "int8",
            progress=say,
        )
    outcome.model.save(output, weights_dtype=weights)  # type: ignore[arg-type]
    if plot is not None:
        draw_diagnosis(outcome.diagnosis, plot)
    show_outcome(outcome, source=source, output=output, taught=taught, json_file=json_file)
