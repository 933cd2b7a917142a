"""One figure of a diagnosis."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from dsqn_fast.conversion.diagnosis import Diagnosis
from dsqn_fast.errors import OptionError
from dsqn_fast.figures import COLOURS, new_figure
from dsqn_fast.output_files import check_writable, write_whole

FORMATS = (".png", ".pdf", ".svg")


def check_figure_path(path: str | Path) -> None:
    """Refuse early what `draw_diagnosis` could not write.

    Raises:
        OptionError: The name does not end like a picture.
        OutputPathError: The file cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    if Path(path).suffix.lower() not in FORMATS:
        raise OptionError(
            f"a figure's name must end in one of {', '.join(FORMATS)}, not {Path(path).name!r}"
        )
    check_writable(path)
    new_figure(1, 1)


def draw_diagnosis(diagnosis: Diagnosis, path: str | Path) -> None:
    """Draw gap, agreement over T, and error and agreement by depth.

    Raises:
        OptionError: The name does not end like a picture.
        OutputPathError: The file cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    check_figure_path(path)
    figure = new_figure(12, 3.6)
    gap, curve, depth = figure.subplots(1, 3)
    _draw_gap(gap, diagnosis)
    _draw_curve(curve, diagnosis)
    _draw_depth(depth, diagnosis)
    buffer = BytesIO()
    figure.savefig(buffer, format=Path(path).suffix[1:].lower(), dpi=150)
    write_whole(path, buffer.getvalue())


def _draw_gap(axes: Any, diagnosis: Diagnosis) -> None:
    edges = np.array(diagnosis.gap.edges)
    axes.stairs(diagnosis.gap.histogram, edges, fill=True, color=COLOURS[0], alpha=0.6)
    step = 1 / diagnosis.n_steps
    axes.axvline(step, color=COLOURS[1], linestyle="--", label=f"1/T = {step:.2%}")
    axes.set_xscale("log")
    axes.set_xlabel("(best output - second) / |best output|")
    axes.set_ylabel("share of states")
    axes.set_title(f"gap, median {diagnosis.gap.median:.2%}")
    axes.legend()


def _draw_curve(axes: Any, diagnosis: Diagnosis) -> None:
    steps = [point.n_steps for point in diagnosis.curve]
    axes.plot(
        steps,
        [point.agreement for point in diagnosis.curve],
        color=COLOURS[0],
        marker="o",
        label="agreement",
    )
    axes.plot(
        steps,
        [point.regret for point in diagnosis.curve],
        color=COLOURS[1],
        marker="s",
        linestyle="--",
        label="regret",
    )
    axes.axhline(diagnosis.wanted_agreement, color=COLOURS[6], linestyle=":", label="wanted")
    axes.set_xscale("log", base=2)
    axes.set_ylim(0, 1.03)
    axes.set_xlabel("time steps T")
    axes.set_title(f"{diagnosis.agreement:.1%} at T = {diagnosis.n_steps}")
    axes.legend()


def _draw_depth(axes: Any, diagnosis: Diagnosis) -> None:
    names = [layer.name for layer in diagnosis.layers]
    places = np.arange(len(names))
    axes.bar(
        places - 0.2,
        [layer.relative_error for layer in diagnosis.layers],
        0.4,
        color=COLOURS[0],
        label="relative error",
    )
    axes.bar(
        places + 0.2,
        [max(layer.agreement_lost, 0) for layer in diagnosis.layers],
        0.4,
        color=COLOURS[1],
        label="agreement lost",
    )
    axes.set_xticks(places, names)
    axes.set_title("by depth")
    axes.margins(y=0.3)  # Room for the legend above every bar.
    axes.legend(loc="upper right")
