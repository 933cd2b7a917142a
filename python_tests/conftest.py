"""Fixtures shared by all tests, and one thread each for the libraries of linear algebra."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Before any of them is imported: the tests keep all cores busy by running side by side.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real trained networks and golden results; tests that need it skip without."""
    folder = PROJECT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no test data at {folder}")
    return folder


@pytest.fixture(scope="session")
def policies() -> Path:
    """Folder of the policies that this project ships."""
    return PROJECT / "policies"
