"""The targets and exporters by name, imported one at a time."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from dsqn_fast.deploy.target import Target
from dsqn_fast.model.options import check_choice


class Entry(NamedTuple):
    """Where something is.

    Attributes:
        module: Its module.
        name: Class or function in it.
        help: One line.
    """

    module: str
    name: str
    help: str


TARGETS: Final[dict[str, Entry]] = {
    "reference": Entry(
        "dsqn_fast.deploy.reference_target", "ReferenceTarget", "the NumPy reference"
    ),
    "nest": Entry("dsqn_fast.deploy.nest_target", "NestTarget", "NEST 3.10"),
    "pynn-nest": Entry("dsqn_fast.deploy.pynn_target", "PynnNest", "PyNN with NEST's neurons"),
    "pynn-brian2": Entry(
        "dsqn_fast.deploy.pynn_target", "PynnBrian2", "PyNN's standard neuron on Brian 2"
    ),
    "nir": Entry("dsqn_fast.deploy.nir_target", "NirTarget", "a round trip through a NIR file"),
    "spinnaker-emulated": Entry(
        "dsqn_fast.deploy.spinnaker.target", "SpinnakerEmulated", "SpiNNaker's integers, emulated"
    ),
}
"""A name here is a ``--target`` of `dsqn-fast verify` and a ``--backend`` of `dsqn-fast run`."""

EXPORTERS: Final[dict[str, Entry]] = {
    "spinnaker": Entry(
        "dsqn_fast.deploy.spinnaker.export", "export_spinnaker", "a sPyNNaker script and its arrays"
    ),
    "nir": Entry("dsqn_fast.deploy.nir_export", "export_nir", "a NIR graph"),
    "pynn": Entry("dsqn_fast.deploy.pynn_export", "export_pynn", "a PyNN script and its weights"),
}
"""Functions ``(model, path, options) -> export.ExportReport`` by the name of their target."""


def make_target(name: str, options: Mapping[str, Any] | None = None) -> Target:
    """The target ``name``, its foreign packages not imported yet.

    Raises:
        OptionError: There is no such target, or it has no such option.
    """
    entry = TARGETS[check_choice("target", name, tuple(TARGETS))]
    kind = getattr(importlib.import_module(entry.module), entry.name)
    target: Target = kind(options)
    return target
