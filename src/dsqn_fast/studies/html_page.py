"""The report as one HTML page: no network, no script, light and dark, wide and narrow."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from dsqn_fast.studies.report import StudyReport
from dsqn_fast.studies.report_words import (
    EXPLANATION,
    TITLE,
    answered,
    ran,
    ran_policies,
)
from dsqn_fast.studies.tables import Table

STYLE: Final = """
:root{color-scheme:light dark;--text:#1a1a1a;--ground:#fff;--soft:#f3f4f6;--line:#c9ccd1;
--link:#0057a8;--muted:#55595f;--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#cc79a7;--c4:#e69f00;
--c5:#56b4e9;--c6:#1a1a1a}
@media(prefers-color-scheme:dark){:root{--text:#e6e6e6;--ground:#16181c;--soft:#22262c;
--line:#454b54;--link:#7ab8ff;--muted:#a3a9b2;--c0:#5aaef2;--c1:#ff8c42;--c2:#2ec99a;--c3:#e8a3cb;--c4:#f2c14e;
--c5:#b5e0ff;--c6:#e6e6e6}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:74rem;padding:1rem;color:var(--text);background:var(--ground);
font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem;line-height:1.2}h2{font-size:1.3rem;margin-top:2.5rem;
border-top:1px solid var(--line);padding-top:1rem}h3{font-size:1.05rem;margin-bottom:.4rem}
a{color:var(--link)}nav ul{padding-left:1.2rem}
.question{font-size:1.1rem;margin:.2rem 0}.muted{color:var(--muted);font-size:.9rem}
.findings{background:var(--soft);border-left:4px solid var(--link);padding:.4rem 1rem;
margin:1rem 0}.findings p{margin:.5rem 0}
.wide{overflow-x:auto;margin:.4rem 0 1.2rem}
table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums}
th,td{border-bottom:1px solid var(--line);padding:.25rem .6rem;text-align:right;
white-space:nowrap}th{background:var(--soft)}
th:first-child,td:first-child,td.note{text-align:left}td.note{white-space:normal}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(25rem,100%),1fr));
gap:1rem}.figures figure{margin:0;min-width:0}.figures svg{width:100%;height:auto;color:var(--text);
}.figures text{font-family:system-ui,sans-serif}
details{margin:.8rem 0}pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--soft);
padding:.6rem;font-size:.8rem}
"""


def html_page(reports: Sequence[StudyReport]) -> str:
    """The page."""
    return "\n".join(_page(reports)) + "\n"


def _page(reports: Sequence[StudyReport]) -> Iterator[str]:
    title = TITLE if len(reports) > 1 else reports[0].study.title
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    # An icon of its own: a browser would look for one at a web server.
    yield '<link rel="icon" href="data:,">'
    yield f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>"
    yield f"<h1>{escape(title)}</h1>"
    if len(reports) > 1:
        yield "<nav><ul>"
        for report in reports:
            study = report.study
            yield (
                f'<li><a href="#{escape(study.name)}">{escape(study.title)}</a>: '
                f"{escape(study.question)}</li>"
            )
        yield "</ul></nav>"
    yield f'<p class="muted">{escape(EXPLANATION)}</p>'
    for report in reports:
        yield from _study(report)
    yield "</body>\n</html>"


def _study(report: StudyReport) -> Iterator[str]:
    study = report.study
    yield f'<section id="{escape(study.name)}"><h2>{escape(study.title)}</h2>'
    yield f'<p class="question">{escape(study.question)}</p>'
    yield f'<p class="muted">{_with_code(answered(report))}</p>'
    yield '<div class="findings">'
    yield from (f"<p>{escape(paragraph)}</p>" for paragraph in report.findings)
    yield "</div>"
    if report.pictures:
        yield '<div class="figures">'
        yield from (f"<figure>{picture.inline()}</figure>" for picture in report.pictures)
        yield "</div>"
    for table in report.tables:
        yield from _table(table)
    yield "<details><summary>What was run</summary><pre>"
    yield escape("\n".join([*ran(report), "", *ran_policies(report)]))
    yield "</pre></details></section>"


def _with_code(text: str) -> str:
    """Escaped; what stands between backticks, as in the Markdown twin, is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _table(table: Table) -> Iterator[str]:
    yield f'<h3>{escape(table.title)}</h3><div class="wide"><table><thead><tr>'
    yield "".join(f"<th>{escape(column)}</th>" for column in table.columns)
    yield "</tr></thead><tbody>"
    for row in table.rows:
        *cells, last = row
        missing = len(table.columns) - len(row)
        span = f' class="note" colspan="{missing + 1}"' if missing else ""
        inner = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        yield f"<tr>{inner}<td{span}>{escape(last)}</td></tr>"
    yield "</tbody></table></div>"
