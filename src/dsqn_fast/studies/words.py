"""Settings and numbers in words, as tables, figures and findings say them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dsqn_fast.statistics import Interval
from dsqn_fast.studies.metrics import METRICS, show_metric
from dsqn_fast.studies.study import NAMES, Setting


def name_of(factor: str) -> str:
    """A factor as a heading."""
    return NAMES.get(factor, factor.replace("_", " "))


def value_of(value: Setting | None) -> str:
    """A value of a factor."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def setting(factor: str, value: Setting) -> str:
    """A factor and its value: "T = 100"."""
    return f"{name_of(factor)} = {value_of(value)}"


def settings(context: Mapping[str, Setting]) -> str:
    """Several of them, with commas."""
    return ", ".join(setting(name, value) for name, value in context.items())


def interval(metric: str, ends: Interval) -> str:
    """An interval in square brackets; empty where there is none."""
    if ends.low != ends.low:
        return ""
    unit = " %" if METRICS[metric].kind == "share" else ""
    low, high = (show_metric(metric, end).removesuffix(unit) for end in ends)
    return f"[{low}, {high}]"


def listed(words: Iterable[str]) -> str:
    """Words with commas and an "and" before the last."""
    items = list(words)
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"
