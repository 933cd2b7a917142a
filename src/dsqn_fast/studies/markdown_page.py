"""The report in Markdown, its figures beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dsqn_fast.studies.report import StudyReport
from dsqn_fast.studies.report_words import (
    EXPLANATION,
    TITLE,
    answered,
    ran,
    ran_policies,
)
from dsqn_fast.studies.tables import Table


def markdown_page(reports: Sequence[StudyReport], figures: str) -> str:
    """The page; ``figures`` is the folder of its pictures, relative to it."""
    return "\n".join(_page(reports, figures)) + "\n"


def _page(reports: Sequence[StudyReport], figures: str) -> Iterator[str]:
    title = TITLE if len(reports) > 1 else reports[0].study.title
    yield f"# {title}\n\n{EXPLANATION}\n"
    for report in reports:
        study = report.study
        yield f"## {study.title}\n\n{study.question}\n\n{answered(report)}\n"
        yield from (f"{paragraph}\n" for paragraph in report.findings)
        for picture in report.pictures:
            yield f"![{picture.title}]({figures}/{picture.name}.svg)\n"
        for table in report.tables:
            yield from _table(table)
        yield "What was run:\n"
        yield from (f"    {line}" for line in [*ran(report), *ran_policies(report)])
        yield ""


def _table(table: Table) -> Iterator[str]:
    yield f"### {table.title}\n"
    yield _line(table.columns)
    yield "|" + "---|" * len(table.columns)
    for row in table.rows:
        yield _line((*row, *[""] * (len(table.columns) - len(row))))
    yield ""


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
