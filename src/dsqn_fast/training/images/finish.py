"""The end of a run on images: scores, the spiking policy, files."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from dsqn_fast.agents import AnnAgent, SpikingAgent
from dsqn_fast.conversion import convert
from dsqn_fast.errors import MissingExtraError
from dsqn_fast.evaluation import EvaluationReport, evaluate
from dsqn_fast.figures import COLOURS, new_figure
from dsqn_fast.model import AnnModel
from dsqn_fast.training.network_evaluation import NetworkEvaluation
from dsqn_fast.training.report import TrainingReport
from dsqn_fast.training.run_folder import RunFolder

POLICY: Final = "policy.npz"
NETWORK: Final = "network.npz"
"""A policy file that stands for its source: the network as ``convert`` and ``evaluate`` read it."""


def finish(
    ann: AnnModel,
    config: Mapping[str, Any],
    *,
    rows: Sequence[Mapping[str, Any]],
    gap: float,
    folder: RunFolder,
    clocks: tuple[float, float],
) -> TrainingReport:
    """Score the network, convert it, score that on the same episodes, write all down.

    Args:
        ann: The last network.
        config: The run as JSON values: method, env_id, command, seed, n_steps, settings.
        rows: The learning curve.
        gap: Action gap of the last decisions.
        folder: Where the files go.
        clocks: Time and processor time at the start, in seconds.
    """
    settings, seed = config["settings"], int(config["seed"])
    step = int(rows[-1]["step"]) if rows else 0
    play: dict[str, Any] = {
        "episodes": settings["test_episodes"],
        "seed": int(np.random.SeedSequence((seed, 2)).generate_state(1)[0]),
        "epsilon": settings["test_epsilon"],
    }
    convert(ann, normalization="none", seed=seed).save(folder.path / NETWORK)  # before long games
    test = _evaluation(step, gap, evaluate(AnnAgent(ann), **play))
    ann = replace(ann, provenance={**ann.provenance, "test": test.to_dict()})
    convert(ann, normalization="none", seed=seed).save(folder.path / NETWORK)
    model, spiking = None, None
    if config["n_steps"] is not None:
        model = convert(ann, normalization="channel", n_steps=config["n_steps"], seed=seed)
        played = evaluate(SpikingAgent(model), **play)
        spiking = {
            **_evaluation(step, gap, played).to_dict(),
            "n_steps": config["n_steps"],
            "agreement": played.agreement,
        }
        model = model.replace(provenance={**model.provenance, "test": spiking})
        model.save(folder.path / POLICY, weights_dtype="float16")
    report = TrainingReport(
        method=config["method"],
        network=ann,
        best=test,
        test=test,
        evaluations=(test,),
        seconds=time.perf_counter() - clocks[0],
        cpu_seconds=time.process_time() - clocks[1],
        folder=folder.path,
        seed=seed,
        env_id=config["env_id"],
        command=config["command"],
        model=model,
        spiking=spiking,
    )
    _draw(folder, rows, config)
    folder.write_result(report.to_dict())  # last: a folder with a result is a finished run
    return report


def _evaluation(step: int, gap: float, report: EvaluationReport) -> NetworkEvaluation:
    return NetworkEvaluation(
        step=step,
        mean_return=report.mean,
        std_return=report.std,
        min_return=float(report.returns.min()),
        episodes=report.episodes,
        action_gap=gap,
        spikes_per_decision=report.spikes_per_decision,
    )


def _draw(folder: RunFolder, rows: Sequence[Mapping[str, Any]], config: Mapping[str, Any]) -> None:
    """The learning curve, where matplotlib is installed."""
    try:
        figure = new_figure(7.0, 4.0)
    except MissingExtraError:
        return
    axes = figure.subplots()
    known = [row for row in rows if row["mean_return"] is not None]
    steps, means = [row["step"] for row in known], [row["mean_return"] for row in known]
    axes.plot(steps, means, color=COLOURS[0])
    axes.set_xlabel("decisions")
    axes.set_ylabel("mean return of the last 100 games")
    figure.suptitle(f"{config['method']} on {config['env_id']}, seed {config['seed']}")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    folder.write("learning-curve.png", picture.getvalue())
