"""Environment ids in the names of files and folders."""

from __future__ import annotations

import re


def environment_in_name(name: str) -> str | None:
    """The registered Gymnasium id that ``name`` is, or ends with after ``algorithm-``.

    >>> environment_in_name("dqn-CartPole-v1")
    'CartPole-v1'
    """
    import gymnasium

    found = re.fullmatch(r"(?:[A-Za-z0-9]+[-_])?([A-Za-z0-9]+-v\d+)", name)
    candidates = [name, found.group(1)] if found else [name]
    return next((each for each in candidates if each in gymnasium.registry), None)
