"""What a study was run with."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from typing import Any

from dsqn_fast.benchmarking.machine import describe_machine


def describe_run(
    command: Sequence[str], executor: dict[str, Any], *, cells: int, seconds: float
) -> dict[str, Any]:
    """Command, versions, hardware and duration of one run of the command."""
    return {
        "command": " ".join(["dsqn-fast", *command]),
        "machine": describe_machine(),
        "gymnasium": metadata.version("gymnasium"),
        "executor": executor,
        "cells": cells,
        "seconds": round(seconds, 1),
    }
