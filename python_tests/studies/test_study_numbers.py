from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_studies import TEXT, run_small, write_study

from dsqn_fast.model import SpikingLayer
from dsqn_fast.model_io import load_policy
from dsqn_fast.statistics import bootstrap_interval
from dsqn_fast.studies.compute import Row
from dsqn_fast.studies.entries import Entry, make_entries
from dsqn_fast.studies.findings import find
from dsqn_fast.studies.measures import measure, ratio_interval, seeds_estimate, sources_of_spread
from dsqn_fast.studies.metrics import show_metric
from dsqn_fast.studies.report import load_reports
from dsqn_fast.studies.study import Study
from dsqn_fast.studies.study_file import parse_study
from dsqn_fast.studies.tables import EXCLUDED, make_tables
from dsqn_fast.studies.winners import find_winners

VALUES = {"better": 10.0, "same": 9.98, "worse": 5.0}


def row(policy: str, returns: Any, *, role: str = "spiking", seed: int = 0, **more: Any) -> Row:
    values = np.asarray(returns, float)
    lengths = np.full(len(values), 10)
    cell = {"policy": policy, "role": role, "conversion_seed": seed}
    made = {"returns": values.tolist(), "lengths": lengths.tolist(), "cell": cell}
    return {"key": "k", "status": "done", **made, **more}


def study_of(variants: Mapping[str, Any], **more: str) -> Study:
    blocks = "".join(f'[[variants]]\nname = "{name}"\n' for name in variants)
    text = f"""
title = "t"
question = "q?"
policies = [{{ name = "net", file = "net.npz" }}]
metrics = ["return", "agreement"]
{blocks}
[winner]
among = "variant"
{more.get("published", "")}
"""
    return parse_study(text, name="s", origin="s.toml", catalogue={})


def entries_of(study: Study, returns: Mapping[str, Any], source: Any = None) -> list[Entry]:
    """Entries of one policy: a variant each, and the source network."""
    cells, rows = [], []
    wanted = [("source", None, source)] if source is not None else []
    wanted += [("spiking", name, values) for name, values in returns.items()]
    for role, variant, values in wanted:
        key = f"{role}{variant}"
        settings = {"n_steps": 10} if role == "spiking" else {}
        cell = {"policy": "net", "role": role, "variant": variant, "settings": settings}
        cells.append({"key": key, **cell})
        made = row("net", values, role=role, equal_actions=[5] * len(values))
        rows.append({**made, "key": key, "cell": {**cell, "conversion_seed": 0}})
    plan = {"cells": cells, "policies": [{"name": "net", "env_id": "E-v0"}]}
    return make_entries(study, plan, rows)


def paired_returns(seed: int = 0) -> dict[str, Any]:
    """Returns of variants on common episodes, whose own difficulty is the largest part."""
    rng = np.random.default_rng(seed)
    easy = rng.normal(0, 5, 60)
    return {name: mean + easy + rng.normal(0, 0.3, 60) for name, mean in VALUES.items()}


def test_a_return_has_the_moments_of_its_episodes() -> None:
    values = np.random.default_rng(1).normal(3, 2, 50)
    found = measure("return", [row("a", values)])
    assert found is not None
    assert found.value == pytest.approx(values.mean())
    assert found.std == pytest.approx(values.std())
    assert found.interval == bootstrap_interval(values)


def test_a_share_is_the_ratio_of_sums_and_draws_whole_episodes() -> None:
    equal, lengths = np.array([10, 0, 10, 0] * 10), np.full(40, 10)
    made = row("a", np.ones(40), equal_actions=equal.tolist())
    found = measure("agreement", [made])
    assert found is not None
    assert found.value == 0.5
    low, high = found.interval
    # Decisions of an episode are all equal here: 400 of them say no more than 40.
    assert high - low > 0.25
    assert (low, high) == ratio_interval(equal.astype(float), lengths.astype(float))


def test_the_interval_of_a_share_covers_it() -> None:
    rng, covered, repeats = np.random.default_rng(5), 0, 80
    truth = np.clip(np.random.default_rng(0).normal(0.8, 0.15, 400_000), 0, 1).mean()
    for number in range(repeats):
        share = np.clip(rng.normal(0.8, 0.15, 60), 0, 1)
        lengths = rng.integers(20, 200, 60).astype(float)
        low, high = ratio_interval(share * lengths, lengths, seed=number)
        covered += low <= truth <= high
    assert covered / repeats >= 0.86


def test_runs_over_seeds_have_an_iqm_and_their_spread_is_split() -> None:
    rng = np.random.default_rng(2)
    runs = [
        row(f"seed {training}", 100 + 10 * training + rng.normal(0, 1, 40), seed=conversion)
        for training in range(5)
        for conversion in range(2)
    ]
    found = measure("return", runs)
    assert found is not None
    assert found.value == pytest.approx(120, abs=0.5)
    assert found.interval.high - found.interval.low > 15
    estimate = seeds_estimate(runs)
    assert estimate is not None
    assert estimate.value == pytest.approx(120, abs=1)
    assert estimate.low < 112 < 128 < estimate.high
    parts = sources_of_spread(runs)
    assert parts is not None
    assert parts.training == pytest.approx(np.std([0, 10, 20, 30, 40], ddof=1), rel=0.05)
    assert parts.episodes == pytest.approx(1, rel=0.15)
    assert parts.conversion is not None
    assert parts.conversion < 0.5


def test_a_winner_beats_only_what_the_paired_tests_tell_apart() -> None:
    study = study_of(VALUES)
    winner = find_winners(study, entries_of(study, paired_returns()))[0]
    assert winner.best == "better"
    assert winner.beaten == ("worse",)
    assert winner.level == ("same",)
    assert not winner.alone
    assert winner.p_value is not None
    assert winner.p_value < 0.01


def test_holm_counts_all_comparisons_of_the_study() -> None:
    rng = np.random.default_rng(3)
    easy = rng.normal(0, 3, 40)
    noise = rng.normal(0, 1, 40)
    noise = (noise - noise.mean()) / noise.std()
    # 2.3 standard errors apart: p is about 0.02.
    pair = {"a": easy, "b": easy - 2.3 / 40**0.5 - noise}
    study = study_of(pair)
    alone = find_winners(study, entries_of(study, pair))[0]
    many = pair | {f"c{i}": easy - 0.4 + rng.normal(0, 1, 40) for i in range(12)}
    study = study_of(many)
    crowd = find_winners(study, entries_of(study, many))[0]
    assert alone.beaten == ("b",)
    assert "b" in crowd.level


def test_the_source_is_compared_on_the_same_episodes() -> None:
    returns = paired_returns()
    study = study_of(VALUES)
    source = returns["better"] + 1.0
    entries = entries_of(study, returns, source)
    assert entries[0].role == "source"
    assert entries[0].measure("agreement") is None
    difference = entries[1].against_source
    assert difference is not None
    assert difference.difference == pytest.approx(-1)
    assert difference.interval.high < 0
    # Unpaired, the spread of the episodes would hide it.
    own, other = entries[0].measure("return"), entries[1].measure("return")
    assert own is not None
    assert other is not None
    assert other.interval.high > own.interval.low


def test_published_numbers_stand_beside_ours_and_are_marked() -> None:
    block = '[[published]]\npolicy = "net"\nvariant = "worse"\nreturn = {}\nagreement = 0.5\n'
    study = study_of(VALUES, published=block.format(90.0) + block.format(5.0))
    entries = entries_of(study, paired_returns())
    table = make_tables(study, entries)[0]
    cells = dict(zip(table.columns, table.rows[2], strict=True))
    assert cells["thesis"] == f"90.00{EXCLUDED}, 50.00 % / 5.00, 50.00 %"
    text = " ".join(find(study, entries, []))
    assert "Of 4 numbers of the thesis 3 lie within" in text


def test_findings_say_what_the_numbers_say() -> None:
    study = study_of(VALUES)
    returns = paired_returns()
    entries = entries_of(study, returns, returns["better"] - 3.0)
    text = " ".join(find(study, entries, find_winners(study, entries)))
    mean = show_metric("return", float(returns["better"].mean()))
    assert f"Better has the highest return, {mean} [" in text
    assert "and beats worse" in text
    assert "cannot be told apart from same" in text
    assert "Of its 3 spiking cells 1 return less than the source network, 2 more" in text
    turned = {name: -values for name, values in returns.items()}
    entries = entries_of(study, turned)
    assert "Worse has the highest return" in " ".join(
        find(study, entries, find_winners(study, entries))
    )


def test_steps_are_named_where_only_they_vary(tmp_path: Path) -> None:
    text = TEXT.replace("[4, 8]", "[4, 200]").replace('reset = ["subtraction", "zero"]\n', "")
    text = text.split("[winner]")[0].replace('series = "reset"\n', "")
    run_small(tmp_path, text.replace('"thesis-model"', '"channel"'))
    report = load_reports(tmp_path / "out", pictures=False)[0]
    said = report.findings[0]
    assert "It reaches 95% agreement at T = 200" in said or "95%" in said
    assert "On the same episodes its return" in said
    assert report.missing == 0


def test_a_report_on_a_part_says_what_is_missing(tmp_path: Path) -> None:
    run_small(tmp_path)
    path = tmp_path / "out" / "rows.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))
    assert load_reports(tmp_path / "out", pictures=False)[0].missing == 2
    assert write_study(tmp_path).is_file()


def test_files_that_match_are_a_group_of_training_seeds(tmp_path: Path, policies: Path) -> None:
    good, rng = load_policy(policies / "cartpole-dqn.npz"), np.random.default_rng(0)
    for method, noise in (("a", 0.01), ("b", 2.0)):
        for seed in range(3):
            folder = tmp_path / "runs" / method / f"seed{seed}"
            folder.mkdir(parents=True)
            layers = []
            for layer in good.layers:
                assert isinstance(layer, SpikingLayer)
                weight = layer.connection.weight
                weight = weight + rng.normal(0, noise, weight.shape).astype(weight.dtype)
                connection = replace(layer.connection, weight=weight)
                layers.append(replace(layer, connection=connection))
            good.replace(layers=tuple(layers), source=None).save(folder / "policy.npz")
    table = ", as_it_is = true, max_episode_steps = 60"
    listed = ", ".join(
        f'{{ name = "{name}", file = "runs/{name}/*/policy.npz"{table} }}' for name in "ab"
    )
    text = f"""
title = "seeds"
question = "q?"
policies = [{listed}]
metrics = ["return"]
[figure]
x = "policy"
y = ["return"]
"""
    run_small(tmp_path, text)
    report = load_reports(tmp_path / "out")[0]
    assert [(entry.policy, len(entry.runs)) for entry in report.entries] == [("a", 3), ("b", 3)]
    cells = dict(zip(report.tables[0].columns, report.tables[0].rows[0], strict=True))
    assert cells["policy"] == "a"
    assert cells["IQM over seeds"].startswith(f"{report.entries[0].returns.mean():.0f}"[:2])
    text = " ".join(report.findings)
    assert "a: IQM over 3 training seeds" in text
    assert re.search(r"A training of b returns more than one of a with probability 0\.\d\d", text)
