"""The results of a study as JSON values: what tables show, in full precision."""

from __future__ import annotations

from typing import Any

from dsqn_fast.studies.entries import Entry
from dsqn_fast.studies.report import StudyReport


def results_data(report: StudyReport) -> dict[str, Any]:
    """Name, question, amount, entries, winners and findings."""
    metrics = report.study.metrics
    return {
        "study": report.study.name,
        "question": report.study.question,
        "amount": dict(report.plan["amount"]),
        "missing": report.missing,
        "entries": [_entry(entry, metrics) for entry in report.entries],
        "winners": [
            {
                "policy": winner.policy,
                "context": winner.context,
                "best": winner.best,
                "beaten": list(winner.beaten),
                "not_told_apart": list(winner.level),
                "p_value": winner.p_value,
            }
            for winner in report.winners
        ],
        "findings": list(report.findings),
    }


def _entry(entry: Entry, metrics: tuple[str, ...]) -> dict[str, Any]:
    data: dict[str, Any] = {
        "policy": entry.policy,
        "role": entry.role,
        "variant": entry.variant,
        "settings": dict(entry.settings),
        "runs": len(entry.runs),
        "impossible": entry.reason,
    }
    for metric in dict.fromkeys(("return", *metrics)):
        found = entry.measure(metric)
        if found is None:
            data[metric] = None
            continue
        low, high = (None if end != end else end for end in found.interval)
        data[metric] = {"value": found.value, "low": low, "high": high, "std": found.std}
    difference = entry.against_source
    data["return_minus_source"] = None if difference is None else difference.to_dict()
    data["thesis"] = [
        {**one.values, "std": one.std, "excluded": entry.excluded(one)} for one in entry.published
    ]
    return data
