"""Picture of a training run: return, and robustness or spikes, over the steps of a training."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dsqn_fast.figures import COLOURS, new_figure
from dsqn_fast.training.network_evaluation import NetworkEvaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def learning_curve(
    evaluations: Sequence[NetworkEvaluation],
    best: NetworkEvaluation,
    title: str,
    unit: str = "environment steps",
) -> Figure:
    """Mean return with its spread over episodes.

    Below it the agreement when quantised, or the spikes of a spiking network.

    Args:
        evaluations: All of them, in order.
        best: The one whose network was kept.
        title: Above the picture.
        unit: What is counted as a step.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure = new_figure(7.0, 5.0)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    steps = [evaluation.step for evaluation in evaluations]
    means = [evaluation.mean_return for evaluation in evaluations]
    below = [evaluation.mean_return - evaluation.std_return for evaluation in evaluations]
    above = [evaluation.mean_return + evaluation.std_return for evaluation in evaluations]
    upper.fill_between(steps, below, above, color=COLOURS[0], alpha=0.2, linewidth=0)
    upper.plot(steps, means, color=COLOURS[0], label="mean return, one deviation of an episode")
    upper.plot(best.step, best.mean_return, "o", color=COLOURS[1], label=f"kept: step {best.step}")
    upper.set_ylabel("return")
    upper.legend(fontsize="small")
    if best.spikes_per_decision is None:
        lower.plot(
            steps, [100 * (e.quantised_agreement or 0) for e in evaluations], color=COLOURS[2]
        )
        lower.set_ylabel("agreement when\nquantised (%)")
    else:
        lower.plot(steps, [e.spikes_per_decision or 0 for e in evaluations], color=COLOURS[2])
        lower.set_ylabel("spikes per\ndecision")
    lower.set_xlabel(unit)
    figure.suptitle(title)
    return figure


def png(figure: Figure) -> bytes:
    """The picture as the bytes of a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()
