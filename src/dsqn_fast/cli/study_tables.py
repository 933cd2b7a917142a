"""What `dsqn-fast study` shows."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsqn_fast.cli.output import print_table, to_json, to_stdout, writable_stdout

if TYPE_CHECKING:
    from dsqn_fast.studies.report import StudyReport
    from dsqn_fast.studies.run import StudyRun


def show_list(target: Path | None) -> None:
    """All studies with their questions and factors."""
    from dsqn_fast.studies.catalogue import load_study, study_names

    studies = [load_study(name) for name in study_names()]
    data = [
        {
            "name": study.name,
            "question": study.question,
            "thesis_tables": list(study.thesis),
            "factors": list(study.grid),
            "variants": [variant.name for variant in study.variants],
            "policies": [policy.name for policy in study.policies],
        }
        for study in studies
    ]
    if _write({"studies": data}, target):
        return
    rows = [(s.name, s.question, ", ".join(s.thesis) or "-") for s in studies]
    print_table("studies", ("name", "what it asks", "thesis table"), rows)


def show_run(folder: Path, run: StudyRun, target: Path | None) -> None:
    """Tables of the finished study, and what the run did."""
    from dsqn_fast.studies.report import load_reports

    reports = load_reports(folder, pictures=False)
    data = {
        "folder": str(folder),
        "computed": run.computed,
        "kept": run.kept,
        "impossible": run.refused,
        "seconds": round(run.seconds, 2),
        "left_out": list(run.left_out),
        **_data(reports[0]),
    }
    if _write(data, target):
        return
    _print_tables(reports)
    summary = (
        f"{run.computed} cells computed in {run.seconds:.1f} s, {run.kept} were there already; "
        f"report: dsqn-fast study report {folder} -o report.html"
    )
    _say([*run.left_out, summary])


def show_report(
    reports: Sequence[StudyReport], written: Sequence[Path], target: Path | None
) -> None:
    """Findings, and what was written."""
    data = {
        "written": [str(path) for path in written],
        "studies": [_data(report) for report in reports],
    }
    if _write(data, target):
        return
    lines = []
    for report in reports:
        lines += [report.study.title, *(f"  {finding}" for finding in report.findings)]
    figures = len(written) - 2
    _say([*lines, f"written: {written[0]}, {written[1]} and {figures} figures"])


def _data(report: StudyReport) -> dict[str, Any]:
    """A study's results as JSON values."""
    from dsqn_fast.studies.results_data import results_data

    return results_data(report)


def _print_tables(reports: Sequence[StudyReport]) -> None:
    for report in reports:
        for table in report.tables:
            print_table(table.title, table.columns, table.rows)


def _write(data: Mapping[str, Any], target: Path | None) -> bool:
    """Write the JSON where it is wanted; whether nothing else is to be shown."""
    if to_stdout(target):
        with writable_stdout():
            sys.stdout.write(to_json(data))
        return True
    if target is not None:
        from dsqn_fast.output_files import write_whole

        write_whole(target, to_json(data).encode())
    return False


def _say(lines: Sequence[str]) -> None:
    with writable_stdout():
        print("\n".join(lines))
