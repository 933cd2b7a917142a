"""One finished cell in a few words, for the live table."""

from __future__ import annotations

from dsqn_fast.studies.compute import Row
from dsqn_fast.studies.measures import quick_value
from dsqn_fast.studies.metrics import show_metric
from dsqn_fast.studies.study import Study
from dsqn_fast.studies.words import setting


def row_words(study: Study, row: Row) -> list[str]:
    """Policy, what is special about the cell, and the value of every metric of the study."""
    cell = row["cell"]
    words = [cell["variant"]] if cell["variant"] else []
    words += [setting(name, cell["settings"][name]) for name in study.grid if cell["settings"]]
    name = "source network" if cell["role"] == "source" else ", ".join(words)
    if row["status"] == "refused":
        return [cell["policy"], name, "impossible", *[""] * (len(study.metrics) - 1)]
    values = (show_metric(metric, quick_value(metric, row)) for metric in study.metrics)
    return [cell["policy"], name, *values]
