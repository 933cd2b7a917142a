"""Benchmarks are not timed side by side."""

from __future__ import annotations

import pytest


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """No further processes: what is timed here has the machine for itself."""
    return 0
