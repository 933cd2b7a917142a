"""The machine that times belong to, in words."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from dsqn_fast.engine import active_isa
from dsqn_fast.version import package_version


def describe_machine() -> dict[str, Any]:
    """Processor, cores, versions, instruction set and date; no name of host or user."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "isa": active_isa(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "dsqn_fast": package_version(),
        "load": round(os.getloadavg()[0], 1),
        "date": datetime.now(UTC).date().isoformat(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
