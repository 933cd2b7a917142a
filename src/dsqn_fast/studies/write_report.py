"""Writing a report: one HTML page and its Markdown twin, with figures beside the latter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dsqn_fast.errors import OptionError, OutputPathError
from dsqn_fast.output_files import check_writable, write_whole
from dsqn_fast.studies.html_page import html_page
from dsqn_fast.studies.markdown_page import markdown_page
from dsqn_fast.studies.report import StudyReport


def check_report_path(path: str | Path) -> None:
    """Refuse early what `write_report` could not write.

    Raises:
        OptionError: The name does not end in .html.
        OutputPathError: It cannot be written.
    """
    if Path(path).suffix.lower() != ".html":
        raise OptionError(f"a report's name must end in .html, not {Path(path).name!r}")
    check_writable(path)


def write_report(reports: Sequence[StudyReport], path: str | Path) -> list[Path]:
    """Write ``report.html``, ``report.md`` and the folder ``report-figures``.

    Args:
        reports: What to write, at least one.
        path: Name of the HTML page; the other names follow from it.

    Returns:
        What was written.

    Raises:
        OptionError: The name does not end in .html.
        OutputPathError: Something cannot be written.
    """
    check_report_path(path)
    page = Path(path)
    figures = page.with_name(f"{page.stem}-figures")
    written = []
    pictures = [picture for report in reports for picture in report.pictures]
    if pictures:
        try:
            figures.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputPathError(
                f"the folder {str(figures)!r} cannot be made: {error.strerror}"
            ) from None
    for picture in pictures:
        written.append(figures / f"{picture.name}.svg")
        write_whole(written[-1], picture.standalone().encode())
    twin = page.with_suffix(".md")
    write_whole(twin, markdown_page(reports, figures.name).encode())
    write_whole(page, html_page(reports).encode())
    return [page, twin, *written]
