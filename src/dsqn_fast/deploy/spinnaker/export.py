"""A policy as a script for sPyNNaker, its arrays, and the pre-flight report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from dsqn_fast.deploy.companion import arrays_beside
from dsqn_fast.deploy.export import ExportReport
from dsqn_fast.deploy.interpreters import interpreter
from dsqn_fast.deploy.reference_target import refuse_early_decisions
from dsqn_fast.deploy.spinnaker.layout import Layout
from dsqn_fast.deploy.spinnaker.planning import gathered, plan
from dsqn_fast.deploy.spinnaker.preflight import check_layout
from dsqn_fast.deploy.spinnaker.script_file import arrays_file, script_text
from dsqn_fast.deploy.spinnaker.settings import choose_settings, unsupported_by_chip
from dsqn_fast.deploy.spinnaker.target import OPTIONS, SpinnakerEmulated
from dsqn_fast.deploy.spinnaker.toolchain import TARGET, build
from dsqn_fast.deploy.target import TargetOption
from dsqn_fast.errors import MissingTargetError, OptionError, UnsupportedError
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.output_files import write_whole

EXPORT_OPTIONS: Final[Mapping[str, TargetOption]] = MappingProxyType(
    {
        **OPTIONS,
        "build": TargetOption(
            default="auto",
            choices=("auto", "yes", "no"),
            help="run sPyNNaker's tool chain on a virtual board; auto: where it is installed",
        ),
    }
)
MOST_SYNAPSES: Final = 5_000_000
"""Synapses between cells are listed one by one."""
NO_BOARD: Final = (
    "emulated only: nothing ran on a board; give one to the script with --board HOST, and its "
    "results are its own"
)


def export_spinnaker(model: SpikingModel, path: Path, options: dict[str, Any]) -> ExportReport:
    """Write ``path`` (a .py file) and the arrays beside it (.npz), and build it where possible.

    Raises:
        OptionError: The path has another ending, or an option is none.
        UnsupportedError: The chip cannot run the policy.
        MissingTargetError: ``build=yes``, and sPyNNaker is not installed.
        TargetError: sPyNNaker's tool chain failed.
        OutputPathError: A file cannot be written.
    """
    chosen = _chosen(options)
    if path.suffix != ".py":
        raise OptionError(f"the script must end in .py, not {path.name!r}")
    settings = choose_settings(model, chosen)
    if (reason := refuse(model, chosen)) is not None:
        raise UnsupportedError(reason)
    seen = gathered(model)
    layout = plan(model, settings, seen, n_steps=model.n_steps)
    if (found := count_cell_synapses(layout)) > MOST_SYNAPSES:
        raise UnsupportedError(
            f"the policy has {found} synapses between cells, more than {MOST_SYNAPSES}: use reset "
            "zero, fewer steps or a smaller network"
        )
    arrays = arrays_beside(path)
    check = check_layout(layout, seen)
    built = _built(layout, model.n_steps, chosen["build"])
    notes = [*built, *check.sentences, *_how_to(path, layout), NO_BOARD]
    write_whole(arrays, arrays_file(layout, model.n_steps))
    write_whole(path, script_text(arrays.name).encode())
    return ExportReport(
        target="spinnaker",
        files=(str(path), str(arrays)),
        losses=(*_losses(model, layout), *check.warnings),
        notes=tuple(notes),
        details=check.to_dict(),
    )


def refuse(model: SpikingModel, chosen: Mapping[str, Any]) -> str | None:
    """What of a policy the script cannot run, in one sentence, or None."""
    if model.encoding != "constant":
        return (
            f"encoding {model.encoding!r} needs spike trains, which sPyNNaker 7.4.1 does not take "
            "for several inputs at once: use encoding 'constant', or target spinnaker-emulated"
        )
    settings = choose_settings(model, chosen)
    return refuse_early_decisions(model, SpinnakerEmulated.title) or unsupported_by_chip(
        model, settings
    )


def count_cell_synapses(layout: Layout) -> int:
    """Synapses between the cells of all populations."""
    total = 0
    for before, chip in zip(layout.populations, layout.populations[1:], strict=False):
        sources = 1 if before.cells is None else before.cells
        targets = 1 if chip.cells is None else chip.cells
        for one in chip.synapse_types:
            each = one.weights.copy()
            each.data[:] = 1.0
            counts = each.multiply(targets) if chip.cells is not None else each
            per_source = counts.sum(axis=1)
            total += int((per_source * sources).sum())
    return total


def _chosen(options: dict[str, Any]) -> dict[str, Any]:
    for name in options:
        if name not in EXPORT_OPTIONS:
            known = ", ".join(EXPORT_OPTIONS)
            raise OptionError(f"exporter spinnaker has the options {known}, not {name!r}")
    return {
        name: option.check(name, options.get(name, option.default))
        for name, option in EXPORT_OPTIONS.items()
    }


def _built(layout: Layout, n_steps: int, wish: str) -> list[str]:
    """What the tool chain made of it, or why it was not asked."""
    if wish == "no":
        return []
    try:
        return [build(layout, n_steps=n_steps).sentence]
    except MissingTargetError as error:
        if wish == "yes":
            raise
        return [f"not built with sPyNNaker: {error}"]


def _how_to(path: Path, layout: Layout) -> list[str]:
    settings, cells = layout.settings, sum(one.n_cells for one in layout.populations)
    return [
        f"laid out with tau_m = {settings.tau_m:g} ms, cm = {settings.capacitance:g} nF, reset "
        f"{settings.reset!r}: {cells} cells",
        f"run it with: {interpreter(TARGET)} {path} OBSERVATIONS --board HOST",
    ]


def _losses(model: SpikingModel, layout: Layout) -> list[str]:
    losses = []
    if model.timing != "nest":
        losses.append(f"timing {model.timing!r}: every layer has a delay of one step on the chip")
    if model.early_exit is not None:
        losses.append("early exit: every decision takes all its steps")
    if layout.settings.reset == "zero" and model.neuron.reset == "subtraction":
        losses.append("reset by subtraction: cells reset to zero; reset=copies keeps it")
    if layout.settings.reset == "copies" and model.neuron.spikes == "binary":
        losses.append("at most one spike per step: copies catch up at once where they owe several")
    return losses
