"""The version of this package, as it is installed."""

from __future__ import annotations

from importlib import metadata


def package_version() -> str:
    """Version from the installed package's metadata; ``"unknown"`` in a bare source tree."""
    try:
        return metadata.version("dsqn-fast")
    except metadata.PackageNotFoundError:
        return "unknown"
