"""A report on one or several studies: what is in it, whichever way it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dsqn_fast.errors import StudyError
from dsqn_fast.studies.catalogue import known_policies
from dsqn_fast.studies.drawing import Picture, draw_study
from dsqn_fast.studies.entries import Entry, make_entries
from dsqn_fast.studies.findings import find
from dsqn_fast.studies.folder import PLAN, StudyFolder
from dsqn_fast.studies.study import Study
from dsqn_fast.studies.study_file import parse_study
from dsqn_fast.studies.tables import Table, make_tables
from dsqn_fast.studies.winners import Winner, find_winners


@dataclass(frozen=True, kw_only=True)
class StudyReport:
    """Everything that a report says about a study.

    Attributes:
        study: The study.
        plan: Policies, amount and cells.
        runs: Runs of the command that computed it.
        missing: Cells that are not computed yet.
        entries: Its results.
        winners: Declared winners.
        findings: Paragraphs made from the numbers.
        tables: One per policy.
        pictures: Figures.
    """

    study: Study
    plan: Mapping[str, Any]
    runs: Sequence[Mapping[str, Any]]
    missing: int
    entries: Sequence[Entry]
    winners: Sequence[Winner]
    findings: Sequence[str]
    tables: Sequence[Table]
    pictures: Sequence[Picture]


def load_reports(
    folder: str | Path,
    *,
    pictures: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> list[StudyReport]:
    """Reports on the study in a folder, or on all studies in the folders within it.

    Args:
        folder: Folder of a study, or of such folders.
        pictures: Draw the figures, which needs matplotlib.
        progress: Told how many of all studies are done.

    Raises:
        StudyError: There is no study, or a file of it is damaged.
        MissingExtraError: matplotlib is not installed.
    """
    path = Path(folder)
    if (path / PLAN).is_file():
        return [_load(path, pictures)]
    try:
        inner = sorted(one for one in path.iterdir() if (one / PLAN).is_file())
    except OSError as error:
        raise StudyError(f"{str(path)!r} holds no study ({error.strerror})") from None
    if not inner:
        raise StudyError(f"{str(path)!r} holds no study: give what `study run` was given as --out")
    reports: list[StudyReport] = []
    for one in inner:
        if progress is not None:
            progress(len(reports), len(inner))
        reports.append(_load(one, pictures))
    return reports


def _load(path: Path, pictures: bool) -> StudyReport:
    folder = StudyFolder(path)
    plan = folder.plan()
    study = _study(folder, plan)
    rows = folder.rows.read()
    try:
        entries = make_entries(study, plan, rows)
        keys = {row["key"] for row in rows}
        missing = sum(cell["key"] not in keys for cell in plan["cells"])
        winners = find_winners(study, entries)
        return StudyReport(
            study=study,
            plan=plan,
            runs=folder.provenance(),
            missing=missing,
            entries=entries,
            winners=winners,
            findings=find(study, entries, winners),
            tables=make_tables(study, entries),
            pictures=draw_study(study, entries) if pictures else [],
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise StudyError(
            f"the study in {str(path)!r} is damaged ({type(error).__name__}: {error}): run it "
            "again in another folder"
        ) from None


def _study(folder: StudyFolder, plan: Mapping[str, Any]) -> Study:
    name = str(plan.get("study", folder.path.name))
    study = parse_study(
        folder.study_text(),
        name=name,
        origin=str(folder.path / "study.toml"),
        catalogue=known_policies(),
    )
    grid = plan.get("grid")
    if not isinstance(grid, dict):
        raise StudyError(f"the study in {str(folder.path)!r} has a plan without a grid")
    return replace(study, grid={key: tuple(values) for key, values in grid.items()})
