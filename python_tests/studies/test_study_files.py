from __future__ import annotations

from pathlib import Path

import pytest
from small_studies import TEXT, write_study

from dsqn_fast.cli.study import run as run_command
from dsqn_fast.errors import DsqnError, OptionError, StudyFileError
from dsqn_fast.studies.catalogue import known_policies, load_study, study_names
from dsqn_fast.studies.choice import choose
from dsqn_fast.studies.factors import FACTORS, check_factor
from dsqn_fast.studies.file_lines import find_line
from dsqn_fast.studies.metrics import METRICS
from dsqn_fast.studies.study_file import read_study

DOCS = Path(__file__).resolve().parents[2] / "docs" / "studies.md"


@pytest.mark.parametrize("name", study_names())
def test_shipped_studies_are_whole(name: str) -> None:
    study = load_study(name)
    assert study.question.endswith("?")
    assert study.text.startswith("title = ")
    names = {policy.name for policy in study.policies}
    variants = {variant.name for variant in study.variants}
    for published in study.published:
        # A published number that no row can match would silently be missing from the table.
        assert published.where.get("policy") in names
        assert published.where.get("variant", next(iter(variants), None)) in {*variants, None}
        for factor, value in published.where.items():
            if factor in FACTORS:
                assert value in study.grid[factor]


def test_a_file_gives_its_study(tmp_path: Path) -> None:
    study = read_study(write_study(tmp_path), known_policies())
    assert study.name == "small"
    assert study.grid == {"n_steps": (4, 8), "reset": ("subtraction", "zero")}
    assert study.policies[0].max_episode_steps == 30
    assert study.published[0].values == {"return": 1.5, "agreement": 0.25}
    assert study.winner is not None
    assert study.winner.metric == "agreement"
    assert study.text == TEXT


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("n_steps = [4, 8]", "n_step = [4, 8]", 11, "no factor 'n_step'; the nearest is 'n_steps'"),
        ("n_steps = [4, 8]", "n_steps = [4, 0]", 11, "grid.n_steps: n_steps must be an integer"),
        ("n_steps = [4, 8]", "n_steps = [4, 4]", 11, "the same value twice"),
        ("n_steps = [4, 8]", "n_steps = []", 11, "at least one value"),
        ('"zero"]', '"zeros"]', 12, "did you mean 'zero'?"),
        ('x = "n_steps"', 'x = "steps"', 15, "no factor or metric 'steps'"),
        ('"regret", "sp', '"regrets", "sp', 5, "no metric 'regrets'; the nearest is 'regret'"),
        ("log = true", "log = 1", 18, "figure.log: must be true or false"),
        ("log = true", "lag = true", 18, "no key 'lag'; the nearest is 'log'"),
        ('metric = "agreement"', 'metric = "seconds"', 22, "no metric of episodes 'seconds'"),
        ('title = "A small study"', 'titel = "x"', 2, "no key 'titel'; the nearest is 'title'"),
        ("return = 1.5", 'return = "1"', 28, "published.0.return: must be a number"),
        ("std = 0.5", "sdt = 0.5", 30, "no key 'sdt'; the nearest is 'std'"),
        ("[fixed]", "[fixed", 7, "is no TOML"),
        ("max_episode_steps = 30", "max_episode_steps = -1", 4, "an integer from 1"),
        ("max_episode_steps = 30", 'env = "os:X-v0"', 4, "names a module to import"),
        ("max_episode_steps = 30", "train = {}", 4, "has a file and a training"),
        ("max_episode_steps = 30", "files = 3", 4, "no key 'files'; the nearest is 'file'"),
    ],
)
def test_broken_files_name_line_and_key(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    assert TEXT.count(old) == 1, old
    file = write_study(tmp_path, TEXT.replace(old, new))
    with pytest.raises(StudyFileError) as caught:
        read_study(file, known_policies())
    said = str(caught.value)
    assert message in said
    assert f"line {line}" in said
    assert str(file) in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the key 'title' is missing"),
        (b"\xff\xfe", "no text in UTF-8"),
        (b"title = 3", "must be a text, not 3"),
        (b'title = "a"\nquestion = "b?"', "at least one policy"),
        (b'title = "a"\nquestion = "b?"\npolicies = ["cartpol-dqn"]', "nearest is 'cartpole-dqn'"),
        (b"a = " + b"[" * 100_000, "is no TOML"),
        (b"#" * 1_000_001, "at most 1000000 bytes"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "x.toml"
    file.write_bytes(content)
    with pytest.raises(StudyFileError, match=message):
        read_study(file, known_policies())


def test_missing_files_and_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyFileError, match="no study file"):
        load_study(str(tmp_path / "none.toml"))
    with pytest.raises(StudyFileError, match="the nearest is 'resets'"):
        load_study("reset")


def test_lines_are_found_in_tables_and_arrays() -> None:
    text = 'a = 1\n[b]\nc = 2\n[[d]]\ne = 3\n[d.f]\ng = 4\n[[d]]\ne = 5\n"h" = 6\n'
    assert find_line(text, ("a",)) == 1
    assert find_line(text, ("b", "c")) == 3
    assert find_line(text, ("d", 0, "e")) == 5
    assert find_line(text, ("d", 0, "f", "g")) == 7
    assert find_line(text, ("d", 1, "e")) == 9
    assert find_line(text, ("d", 1, "missing")) == 8
    assert find_line(text, ("z",)) is None


def test_every_default_is_a_value_of_its_factor() -> None:
    for name, factor in FACTORS.items():
        assert check_factor(name, factor.default) == factor.default


def test_the_command_line_changes_a_study() -> None:
    study, file = choose("resets", env_id="MountainCar-v0", factors=["n_steps=7,9", "percentile=1"])
    assert file is None
    assert {policy.env_id for policy in study.policies} == {"MountainCar-v0"}
    assert study.grid["n_steps"] == (7, 9)
    assert study.grid["percentile"] == (1.0,)
    study, _ = choose("resets", policies=["a/x.npz", "b/x.npz", "y.npz"])
    assert [policy.name for policy in study.policies] == ["a/x.npz", "b/x.npz", "y"]
    assert all(policy.required for policy in study.policies)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"factors": ["n_step=4"]}, "no factor 'n_step'; the nearest is 'n_steps'"),
        ({"factors": ["n_steps"]}, "NAME=VALUES"),
        ({"factors": ["n_steps=four"]}, "n_steps must be an integer"),
        ({"factors": ["calibrate_bias=yes"]}, "true or false"),
        ({"env_id": "CartPole-v0"}, "no policy of study 'resets' plays 'CartPole-v0'"),
    ],
)
def test_impossible_changes_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        choose("resets", **options)  # type: ignore[arg-type]


def test_help_and_documentation_name_every_factor_and_metric() -> None:
    help_text = run_command.__doc__ or ""
    text = DOCS.read_text()
    for name in FACTORS:
        assert name in help_text
        assert f"`{name}`" in text
    for name in METRICS:
        assert f"`{name}`" in text


def test_the_documented_example_is_a_study(tmp_path: Path) -> None:
    text = DOCS.read_text()
    block = text.split("```toml\n")[1].split("```")[0]
    study = read_study(write_study(tmp_path, block), known_policies())
    assert study.grid
    assert study.policies
    assert issubclass(StudyFileError, DsqnError)
