"""Rows of the table that a training ends with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dsqn_fast.cli.output import number, percent

if TYPE_CHECKING:
    from dsqn_fast.training import TrainingReport

Rows = list[tuple[str, str]]


def training_rows(report: TrainingReport) -> Rows:
    """The best network, when it was chosen and on fresh episodes."""
    test = report.test
    return [
        ("best at step", str(report.best.step)),
        ("return when chosen", number(report.best.mean_return)),
        (f"return over {test.episodes} fresh episodes", number(test.mean_return)),
        ("standard deviation", number(test.std_return)),
        ("lowest", number(test.min_return)),
    ]


def spiking_rows(played: Mapping[str, Any]) -> Rows:
    """The spiking policy on the same fresh episodes."""
    agreement = played["agreement"]
    rows = [
        ("as a spiking policy, T", str(played["n_steps"])),
        ("return", number(played["mean_return"])),
        ("standard deviation", number(played["std_return"])),
        ("lowest", number(played["min_return"])),
        ("spikes per decision", number(played["spikes_per_decision"], 1)),
    ]
    if agreement is not None:
        rows.insert(4, ("agreement with the network", percent(agreement)))
    return rows
