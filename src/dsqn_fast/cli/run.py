"""`dsqn-fast run`: play episodes with a spiking policy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dsqn_fast.cli.output import JsonOption
from dsqn_fast.cli.playing_options import EpisodesOption, EpsilonOption, MaxEpisodeStepsOption
from dsqn_fast.cli.record import FrameAtOption, FrameOption, MostDecisionsOption, RecordOption
from dsqn_fast.cli.target_options import PythonOption, TargetOptionsOption


def run(
    policy: Annotated[Path, typer.Argument(metavar="POLICY", help="Policy file (.npz, or .nir).")],
    episodes: EpisodesOption = 100,
    n_steps: Annotated[
        int | None, typer.Option("--n-steps", "-T", help="Time steps per decision.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the episodes and of the noise.")] = 0,
    threads: Annotated[int, typer.Option(help="Threads per batch of decisions.")] = 1,
    env: Annotated[
        str | None, typer.Option("--env", metavar="ID", help="Another environment.")
    ] = None,
    max_episode_steps: MaxEpisodeStepsOption = None,
    epsilon: EpsilonOption = 0.0,
    precision: Annotated[str, typer.Option(help="float32, float64 or fixed.")] = "float32",
    early_exit: Annotated[
        float | None,
        typer.Option(
            metavar="KAPPA",
            help="Stop a decision once the best output leads by KAPPA times the spread; 0: never.",
        ),
    ] = None,
    backend: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Play on a simulator or chip, such as nest."),
    ] = None,
    option: TargetOptionsOption = None,
    python: PythonOption = None,
    record: RecordOption = None,
    frame: FrameOption = None,
    frame_at: FrameAtOption = 100,
    record_decisions: MostDecisionsOption = 2000,
    json_file: JsonOption = None,
) -> None:
    """Play episodes with a spiking policy and report its return, agreement and cost.

    Example: dsqn-fast run policies/cartpole-dqn.npz --episodes 20 --n-steps 32
    """
    from dsqn_fast.cli.conversion_tables import print_energy
    from dsqn_fast.cli.output import check_json, show
    from dsqn_fast.cli.player import check_early_exit, player
    from dsqn_fast.cli.progress import episode_bar
    from dsqn_fast.cli.record import check_recording
    from dsqn_fast.cli.record import record as record_episode
    from dsqn_fast.cli.sources import load_spiking
    from dsqn_fast.cli.tables import evaluation_rows
    from dsqn_fast.conversion.exit_rule import play_with_kappa
    from dsqn_fast.evaluation import evaluate
    from dsqn_fast.output_files import check_separate
    from dsqn_fast.recording import RecordingOptions

    check_json(json_file)
    outputs = {"--json": json_file, "--record": record, "--frame": frame}
    check_separate(outputs, {"the policy": policy})
    check_recording(record, frame, backend)
    check_early_exit(early_exit, backend)
    recording = RecordingOptions(
        seed=seed,
        epsilon=epsilon,
        most_decisions=record_decisions,
        still_at=frame_at,
        env_id=env,
    )
    model = load_spiking(policy)
    if early_exit is not None:
        model = play_with_kappa(model, early_exit, env_id=env, seed=seed)
    playing = player(
        model,
        n_steps=n_steps,
        seed=seed,
        threads=threads,
        precision=precision,
        backend=backend,
        options=option,
        python=python,
    )
    with playing as (agent, conditions_of), episode_bar(episodes) as progress:
        report = evaluate(
            agent,
            env,
            episodes=episodes,
            seed=seed,
            max_episode_steps=max_episode_steps,
            epsilon=epsilon,
            progress=progress,
        )
        if record is not None or frame is not None:
            record_episode(agent, record, frame, recording)
        conditions = conditions_of()
    show(
        f"{policy.name} on {report.env_id}",
        evaluation_rows(report, conditions),
        {"policy": str(policy), **report.to_dict(), **conditions},
        json_file,
    )
    if report.energy is not None and str(json_file) != "-":
        print_energy(report.energy)
