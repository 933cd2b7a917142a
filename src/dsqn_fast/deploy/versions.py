"""Versions of foreign packages: what is supported, and what is there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import metadata


@dataclass(frozen=True, kw_only=True)
class Supported:
    """A package on PyPI and the versions of it that were tested.

    Attributes:
        distribution: Its name.
        lowest: First version.
        below: First version that is too new.
    """

    distribution: str
    lowest: str
    below: str

    @property
    def requirement(self) -> str:
        """What pip is given."""
        return f"{self.distribution}>={self.lowest},<{self.below}"

    def found(self) -> str | None:
        """Version that this Python has, or None."""
        try:
            return metadata.version(self.distribution)
        except metadata.PackageNotFoundError:
            return None

    def problem(self) -> str | None:
        """None, or one sentence that names the version found and those supported."""
        version = self.found()
        if version is None:
            return f"{self.distribution} is not installed: pip install {self.requirement!r}"
        if not _ordered(self.lowest) <= _ordered(version) < _ordered(self.below):
            return (
                f"{self.distribution} {version} is installed, but {self.lowest} or later, below "
                f"{self.below}, is supported: pip install {self.requirement!r}"
            )
        return None


def _ordered(version: str) -> tuple[int, ...]:
    """Epoch and numbers of a version, as far as they are numbers; zeros at the end count not."""
    epoch, mark, rest = version.partition("!")
    numbers = re.match(r"\d+(\.\d+)*", rest if mark else version)
    parts = [int(part) for part in numbers.group().split(".")] if numbers else []
    while parts and parts[-1] == 0:
        parts.pop()
    return (int(epoch) if mark and epoch.isdigit() else 0, *parts)
