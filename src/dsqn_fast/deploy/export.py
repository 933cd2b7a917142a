"""Policies as files of other tools."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dsqn_fast.deploy.catalogue import EXPORTERS
from dsqn_fast.model.options import check_choice
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.output_files import check_writable


@dataclass(frozen=True, kw_only=True)
class ExportReport:
    """What was written.

    Attributes:
        target: Name of the exporter.
        files: Every file, in the order in which a user needs them.
        losses: What the format cannot carry, or carries as a note only, a sentence each.
        notes: How to use it, and what was changed, a sentence each.
        details: Figures behind the sentences, JSON values.
    """

    target: str
    files: tuple[str, ...]
    losses: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(self).items()}


def export_policy(
    model: SpikingModel,
    target: str,
    path: str | Path,
    *,
    options: Mapping[str, Any] | None = None,
) -> ExportReport:
    """Write a policy for another tool.

    Args:
        model: The policy.
        target: Name of an exporter; `dsqn_fast.deploy.catalogue.EXPORTERS` has them.
        path: The file to write; some exporters write others beside it.
        options: Options of the exporter.

    Raises:
        OptionError: There is no such exporter or option.
        UnsupportedError: The tool cannot take this policy, and why.
        OutputPathError: The file cannot be written.
    """
    entry = EXPORTERS[check_choice("target", target, tuple(EXPORTERS))]
    check_writable(path)
    function = getattr(importlib.import_module(entry.module), entry.name)
    report: ExportReport = function(model, Path(path), dict(options or {}))
    return report
