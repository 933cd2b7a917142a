from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from child_processes import environment
from command_calls import call, refused
from small_studies import TEXT, run_small, write_study

from dsqn_fast.errors import OptionError, StudyError
from dsqn_fast.studies.report import StudyReport, load_reports
from dsqn_fast.studies.write_report import write_report

VOID = {"meta", "link", "br", "img", "path", "use", "rect"}
CHROMIUM = next((p for p in map(shutil.which, ("chromium", "chromium-browser")) if p), None)
FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run"
FLAGS += " --disable-background-networking --disable-component-update --disable-sync"
FLAGS += " --enable-logging=stderr --hide-scrollbars"
PROBE = """<script>
addEventListener('load', () => {
  const boxes = [...document.querySelectorAll('svg, img')].map(e => e.getBoundingClientRect());
  const seen = boxes.filter(b => b.width > 100 && b.height > 100).length;
  const ink = getComputedStyle(document.body);
  const root = document.documentElement;
  root.dataset.probe = JSON.stringify({
    pictures: boxes.length, seen, text: ink.color, ground: ink.backgroundColor,
    page: root.scrollWidth, window: innerWidth,
  });
});
</script>"""


class Checker(HTMLParser):
    """Tags that are opened are closed, and nothing is loaded from anywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "data") and value:
                self.loads.append(value)
            if name == "id" and value:
                self.ids.append(value)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.handle_starttag(tag, attrs)
            self.open.pop()
        else:
            self.handle_starttag(tag, attrs)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> list[StudyReport]:
    folder = tmp_path_factory.mktemp("studies")
    run_small(folder, out="all/one")
    # Names that a page must not take as its own.
    text = TEXT.replace('"A small study"', '"<b>Second</b> & | \\"study\\""')
    text = text.replace('name = "net"', 'name = "<net>"')
    run_small(folder, f'notes = "Run `train <x>`."\n{text}', out="all/two")
    return load_reports(folder / "all")


@pytest.fixture(scope="module")
def page(reports: list[StudyReport], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(reports, path)
    return path


def test_the_page_is_whole_and_loads_nothing(page: Path, reports: list[StudyReport]) -> None:
    text = page.read_text()
    checker = Checker()
    checker.feed(text)
    checker.close()
    assert checker.open == []
    assert all(load.startswith(("#", "data:")) for load in checker.loads), checker.loads
    assert len(checker.ids) - len(set(checker.ids)) <= text.count("<defs>")
    assert "<script" not in text
    assert "@import" not in text
    assert "url(http" not in text
    assert text.count("<svg ") == sum(len(report.pictures) for report in reports) == 4
    assert "<b>Second" not in text
    assert "&lt;b&gt;Second" in text
    assert "Run <code>train &lt;x&gt;</code>." in text
    assert "prefers-color-scheme:dark" in text
    assert 'name="viewport"' in text


def test_the_twin_says_the_same(page: Path, reports: list[StudyReport]) -> None:
    markdown, html = page.with_suffix(".md").read_text(), page.read_text()
    for report in reports:
        assert report.findings
        for finding in report.findings:
            assert finding in markdown
            assert finding.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in html
        for table in report.tables:
            for row in table.rows:
                for cell in filter(None, row):
                    assert cell in markdown
                    assert cell.replace("<", "&lt;").replace(">", "&gt;") in html
    pictures = re.findall(r"\]\((\S+\.svg)\)", markdown)
    assert len(pictures) == 4
    for picture in pictures:
        svg = (page.parent / picture).read_text()
        assert svg.startswith("<svg")
        assert "#010203" not in svg
    for report in reports:
        machine = report.runs[0]["machine"]
        assert machine["processor"] in markdown
        assert report.runs[0]["command"] in markdown


def test_figures_shorten_coordinates_and_not_words(tmp_path: Path) -> None:
    text = TEXT.replace('name = "net"', 'name = "rate 0.0003"')
    text = re.sub(
        r"\[figure\].*?(?=\n\[|$)", '[figure]\nx = "policy"\ny = ["return"]\n', text, flags=re.S
    )
    text = text.replace('policy = "net"', 'policy = "rate 0.0003"')
    run_small(tmp_path, text)
    svg = load_reports(tmp_path / "out")[0].pictures[0].svg
    assert "rate 0.0003" in svg
    assert not re.search(r'="[^"]*\d\.\d{3}', svg)


def test_environments_have_figures_of_their_own(tmp_path: Path) -> None:
    other = '{ name = "car", file = "policies/mountaincar-dqn.npz", max_episode_steps = 30 }'
    text = TEXT.replace("30 }]", f"30 }}, {other}]").replace('x = "n_steps"', 'x = "policy"')
    run_small(tmp_path, text)
    titles = [
        one.title for one in load_reports(tmp_path / "out")[0].pictures if "return" in one.title
    ]
    assert titles == [
        f"return: {env}, T = {steps}"
        for env in ("CartPole-v1", "MountainCar-v0")
        for steps in (4, 8)
    ]


def test_intervals_are_drawn(reports: list[StudyReport]) -> None:
    report = reports[0]
    entry = next(e for e in report.entries if e.role == "spiking")
    found = entry.measure("agreement")
    assert found is not None
    assert found.interval.low < found.value < found.interval.high
    bars = re.findall(r"stroke-width: 1\.1\D", report.pictures[1].svg)
    spiking = [one for one in report.entries if one.measure("agreement") is not None]
    legend = 2
    assert len(bars) == len(spiking) + legend == 4 + legend


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
@pytest.mark.parametrize(
    ("width", "dark"), [(1200, False), (390, True)], ids=["desktop", "phone, dark"]
)
def test_a_browser_shows_it(page: Path, tmp_path: Path, width: int, dark: bool) -> None:
    probed = tmp_path / "probed.html"
    probed.write_text(page.read_text().replace("</body>", PROBE + "</body>"))
    scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
    # A window is at least 500 pixels wide: a phone is a frame in it.
    frame = tmp_path / "frame.html"
    frame.write_text(
        "<!DOCTYPE html><title>frame</title><link rel=icon href='data:,'>"
        f"<iframe id=f width={width} "
        "height=800 src=probed.html></iframe><script>addEventListener('load', () => {"
        "document.documentElement.dataset.probe = "
        "f.contentDocument.documentElement.dataset.probe})</script>"
    )
    words = [CHROMIUM, *FLAGS.split(), *scheme, "--allow-file-access-from-files"]
    words += [f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", frame.as_uri()]
    done = subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "HOME": str(tmp_path)},
        check=True,
    )
    assert "CONSOLE" not in done.stderr, done.stderr
    probe = re.search(r'data-probe="([^"]*)"', done.stdout)
    assert probe is not None, done.stdout[:500]
    seen = json.loads(probe[1].replace("&quot;", '"'))
    assert seen["pictures"] == seen["seen"] == 4
    assert seen["page"] <= seen["window"], "the page scrolls sideways"
    brightness = [sum(map(int, re.findall(r"\d+", seen[n])[:3])) for n in ("text", "ground")]
    assert (brightness[0] > brightness[1]) == dark


def test_commands_list_run_and_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "simulation-time" in call(capsys, "study", "list")
    listed = json.loads(call(capsys, "study", "list", "--json", "-"))["studies"]
    assert "What" not in listed[0]["name"]
    file, out = write_study(tmp_path), tmp_path / "out"
    words = ["study", "run", file, "--out", out, "--episodes", 3, "--jobs", 1]
    shown = call(capsys, *words, "--set", "n_steps=4")
    assert "3 cells computed" in shown
    assert "source" in shown
    data = json.loads(call(capsys, *words, "--set", "n_steps=4", "--resume", "--json", "-"))
    assert (data["computed"], data["kept"]) == (0, 3)
    assert [entry["role"] for entry in data["entries"]] == ["source", "spiking", "spiking"]
    assert data["entries"][1]["return"]["low"] <= data["entries"][1]["return"]["value"]
    page = tmp_path / "page.html"
    shown = call(capsys, "study", "report", out, "-o", page, "--json", tmp_path / "r.json")
    assert "written:" in shown
    assert page.is_file()
    assert json.loads((tmp_path / "r.json").read_text())["studies"][0]["study"] == "small"
    provenance = json.loads((out / "provenance.json").read_text())["runs"]
    assert len(provenance) == 1
    assert "--set n_steps=4" in provenance[0]["command"]


def test_bad_input_gets_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    file = write_study(tmp_path, TEXT.replace("n_steps = [", "n_step = ["))
    said = refused(capsys, "study", "run", file, "--out", out)
    assert "line 11" in said
    assert "n_step" in said
    assert not out.exists()
    assert "nearest is 'resets'" in refused(capsys, "study", "run", "reset", "--out", out)
    assert "--out" in refused(capsys, "study", "run", "resets")
    good = write_study(tmp_path)
    for words, message in (
        (["--episodes", "0"], "episodes"),
        (["--jobs", "0"], "jobs must be at least 1"),
        (["--executor", "slurm"], "executor must be one of"),
        (["--set", "n_steps=x"], "n_steps must be an integer"),
        (["--seed", "-1"], "seed"),
        (["--policy", "none.npz"], "has no file 'none.npz'"),
        (["--json", tmp_path / "no" / "x.json"], "there is no folder"),
    ):
        assert message in refused(capsys, "study", "run", good, "--out", out, *words)
    assert "holds no study" in refused(capsys, "study", "report", tmp_path, "-o", "r.html")
    assert "end in .html" in refused(capsys, "study", "report", tmp_path, "-o", "r.pdf")


def test_damaged_folders_are_refused(tmp_path: Path) -> None:
    run_small(tmp_path)
    out = tmp_path / "out"
    plan = json.loads((out / "plan.json").read_text())
    for broken in ({}, {**plan, "format": 9}, {**plan, "grid": 3}, {**plan, "cells": [{}]}):
        (out / "plan.json").write_text(json.dumps(broken))
        with pytest.raises(StudyError):
            load_reports(out, pictures=False)
    with pytest.raises(OptionError, match=r"end in \.html"):
        write_report([], tmp_path / "x.txt")


def test_a_terminal_sees_rows_rate_and_remaining_time(tmp_path: Path) -> None:
    file = write_study(tmp_path)
    words = ["-m", "dsqn_fast.cli.main", "study", "run", str(file), "--out", str(tmp_path / "out")]
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, *words, "--episodes", "20", "--jobs", "1", "--json", "-"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=environment(TERM="xterm", COLUMNS="160"),
    )
    os.close(theirs)
    seen = b""
    with contextlib.suppress(OSError):  # the end of a terminal is an error
        while chunk := os.read(ours, 65536):
            seen += chunk
    os.close(ours)
    out, _ = child.communicate(timeout=60)
    assert child.returncode == 0
    assert json.loads(out)["computed"] == 5
    shown = seen.decode()
    assert "cells/min" in shown
    assert "left" in shown
    assert "T = 8, reset = " in shown
    assert re.search(r"[1-5]/5", shown)
