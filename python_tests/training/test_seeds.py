"""Several seeds side by side, and seeds that fail."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from dsqn_fast.cli.main import main
from dsqn_fast.errors import ModelFileError, OptionError, OutputPathError, TrainingError
from dsqn_fast.statistics import iqm, probability_of_improvement
from dsqn_fast.training import seed_process
from dsqn_fast.training.seed_process import SeedRun
from dsqn_fast.training.seed_summary import SeedSummary, read_summary
from dsqn_fast.training.seeds import parse_seeds, run_seeds

SHORT = {
    "total_steps": 200, "learning_starts": 100, "eval_every": 100, "eval_episodes": 1,
    "test_episodes": 2,
}  # fmt: skip
PROGRAM = """#!{python}
import json, os, pathlib, sys, time
words = sys.argv[sys.argv.index("train") + 1:]
seed = int(words[words.index("--seed") + 1])
folder = pathlib.Path(words[words.index("--out") + 1])
if words[0] == "refused" or seed == 1:
    print("dsqn-fast: there is no such thing", file=sys.stderr)
    sys.exit(2)
if seed == 2:
    os.kill(os.getpid(), 9)
if seed == 3:
    time.sleep(60)
if seed == 4:
    raise ValueError("a mistake")
folder.mkdir()
(folder / "config.json").write_text(json.dumps({{"gamma": seed // 10, "seeds": seed}}))
score = {{"mean_return": seed + 0.5, "std_return": 1.0, "min_return": 0, "episodes": 10}}
line = {{"step": 7, "mean_return": seed}}
(folder / "evaluations.jsonl").write_text(json.dumps(line) + "\\n")
if words[0] == "slow":
    time.sleep(0.5)
(folder / "result.json").write_text(json.dumps({{"test": score, "words": words}}))
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program in the place of the interpreter, which ends in every way that a run can."""
    path = tmp_path / "stand-in"
    path.write_text(PROGRAM.format(python=sys.executable))
    path.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(path))


def options() -> list[str]:
    return [word for name, value in SHORT.items() for word in ("--set", f"{name}={value}")]


def test_a_seed_of_several_is_the_run_of_that_seed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "dqn", "--env", "CartPole-v1", *options(), "--no-convert"]
    several = tmp_path / "several"
    assert main([*words, "--seeds", "5", "--out", str(several), "--json", "-"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert [run["seed"] for run in summary["runs"]] == [5]
    assert all(run["cpu_seconds"] > 0 for run in summary["runs"])
    assert summary == read_summary(several)
    assert main([*words, "--seed", "5", "--out", str(tmp_path / "one")]) == 0
    for name in ("best.npz", "evaluations.jsonl"):
        assert (several / "seed5" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    # Finished runs are kept; other settings are not mixed with them.
    results = [run["result"] for run in summary["runs"]]
    capsys.readouterr()
    again = [*words, "--seeds", "5", "--out", str(several)]
    assert main([*again, "--resume", "--compare", str(several), "--json", "-"]) == 0
    resumed = json.loads(capsys.readouterr().out)
    assert [run["result"] for run in resumed["runs"]] == results
    assert resumed["cpu_seconds"] == results[0]["cpu_seconds"] > 0
    assert resumed["improvement"]["network"] == {
        "probability": 0.5,
        "ci_low": None,
        "ci_high": None,
    }
    assert main(again) == 2
    assert "already holds a run" in capsys.readouterr().err


@pytest.mark.usefixtures("stand_in")
def test_seeds_that_fail_do_not_lose_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seed_process, "WATCH_SECONDS", 0.1)
    seen: dict[int, Any] = {}
    runs = run_seeds(
        ["slow"],
        (0, 1, 2, 3, 4, 5),
        root=tmp_path / "runs",
        jobs=6,
        timeout=3.0,
        watch=lambda seed, evaluation: seen.update({seed: evaluation["mean_return"]}),
    )
    failures = {run.seed: run.failure for run in runs if run.failure}
    assert failures[1] == "there is no such thing"
    assert failures[2] == "its process was ended by SIGKILL: resume it to go on"
    assert failures[3] == "it took more than 3 s and was ended: resume it to go on"
    assert failures[4] == "its process ended with status 1: ValueError: a mistake"
    done = [run for run in runs if run.result is not None]
    assert [(run.seed, run.result["test"]["mean_return"]) for run in done] == [(0, 0.5), (5, 5.5)]
    assert seen == {0: 0, 5: 5}
    words = done[1].result["words"]
    assert words == ["slow", "--seed", "5", "--out", str(tmp_path / "runs" / "seed5")]


@pytest.mark.usefixtures("stand_in")
def test_all_failed_and_other_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="all 2 seeds failed, seed 0: there is no such thing"):
        run_seeds(["refused"], (0, 1), root=tmp_path / "refused")
    with pytest.raises(TrainingError, match=r"^there is no such thing$"):
        run_seeds(["refused"], (7,), root=tmp_path / "refused")
    with pytest.raises(TrainingError, match="seed 8 was trained with gamma = 0, not 1 as seed 12"):
        run_seeds(["quick"], (8, 12), root=tmp_path / "mixed")


def summary_of(
    means: list[float], spiking: list[float], other: Any = None, spikes: float | None = None
) -> SeedSummary:
    def score(value: float, **more: Any) -> dict[str, Any]:
        fixed = {"std_return": 2.0, "min_return": 1.0, "episodes": 50}
        return {"mean_return": value, **fixed, **more}

    runs = tuple(
        SeedRun(
            seed=seed,
            folder=Path(f"seed{seed}"),
            result={"test": score(one, spikes_per_decision=spikes), "spiking": score(two)},
            failure=None,
            seconds=2.0,
            cpu_seconds=1.5,
        )
        for seed, (one, two) in enumerate(zip(means, spiking, strict=True))
    )
    lost = SeedRun(
        seed=99, folder=Path("x"), result=None, failure="lost", seconds=0, cpu_seconds=0.5
    )
    return SeedSummary(
        method="dqn", env_id="CartPole-v1", command="c", runs=(*runs, lost), other=other
    )


def test_a_summary_keeps_the_sources_of_spread_apart(tmp_path: Path) -> None:
    means, spiking = [10.0, 30.0, 20.0, 40.0, 50.0], [11.0, 29.0, 20.0, 40.0, 50.0]
    other = summary_of([15.0, 45.0], [15.0, 15.0])
    other.write(tmp_path)
    summary = summary_of(means, spiking, read_summary(tmp_path)).to_dict()
    network = summary["network"]
    assert (network["mean"], network["std"]) == (30.0, pytest.approx(200**0.5))
    assert (network["iqm"], network["ci_low"], network["ci_high"]) == iqm(means)
    assert network["spread"]["episodes"] == pytest.approx((4 * 50 / 49) ** 0.5)
    assert network["spread"]["training"] == pytest.approx((250 - 4 / 49) ** 0.5)
    assert summary["conversion"] == {"mean": 0.0, "std": pytest.approx(0.4**0.5)}
    found = summary["improvement"]
    assert found["network"]["probability"] == probability_of_improvement(means, [15.0, 45.0]).value
    assert found["spiking"]["probability"] == pytest.approx(0.8)
    assert summary["cpu_seconds"] == 8.0
    assert summary["runs"][-1]["failure"] == "lost"


def test_a_spiking_network_is_no_other_network_beside_its_policy() -> None:
    summary = summary_of([10.0, 20.0], [10.0, 20.0], spikes=7.0).to_dict()
    assert summary["network"] is None
    assert summary["conversion"] is None
    assert summary["spiking"]["mean"] == 15.0


@pytest.mark.parametrize(
    ("text", "seeds"), [("3", (3,)), ("0,1,2", (0, 1, 2)), ("0-2, 7", (0, 1, 2, 7))]
)
def test_lists_of_seeds(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "1,1", "2-1", "1,,2", "-1", "0-9999999999", "1.5"])
def test_other_lists_are_refused(text: str) -> None:
    with pytest.raises(OptionError, match="seed"):
        parse_seeds(text)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--jobs 2", "--jobs would change nothing: it is for several --seeds"),
        ("--timeout 2", "--timeout would change nothing"),
        ("--compare here", "--compare would change nothing"),
        ("--seeds 0,1 --seed 0", "--seed would change nothing: --seeds are given"),
        ("--seeds 0,0", "seeds must be different"),
        ("--seeds 0,1 --compare /no", "is not the summary of several seeds"),
    ],
)
def test_words_that_do_not_go_together(
    words: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "dqn", "--env", "CartPole-v1", *words.split()]) == 2
    assert message in capsys.readouterr().err


def test_bad_options_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="jobs must be at least 1, not 0"):
        run_seeds(["dqn"], (0,), root=tmp_path, jobs=0)
    with pytest.raises(OptionError, match="timeout must be above 0 seconds, not nan"):
        run_seeds(["dqn"], (0,), root=tmp_path, timeout=float("nan"))
    (tmp_path / "file").touch()
    with pytest.raises(OutputPathError, match="cannot be made"):
        run_seeds(["dqn"], (0,), root=tmp_path / "file")
    (tmp_path / "seeds.json").write_text('{"method": "dqn", "network": {}, "spiking": null}')
    with pytest.raises(ModelFileError, match="is not the summary of several seeds"):
        read_summary(tmp_path)


def test_networks_and_spiking_ones_are_compared_by_what_was_trained() -> None:
    runs = tuple(
        SeedRun(
            seed=seed,
            folder=Path(f"seed{seed}"),
            failure=None,
            seconds=1.0,
            cpu_seconds=1.0,
            result=result,
        )
        for seed, result in enumerate(_result(value) for value in (10.0, 40.0))
    )
    spiking = {"method": "dsqn", "network": None, "spiking": {"means": [15.0, 45.0]}}
    summary = SeedSummary(method="dqn", env_id="X", command="", runs=runs, other=spiking)
    found = summary.improvement()
    expected = probability_of_improvement([10.0, 40.0], [15.0, 45.0])
    assert found == {
        "over": "dsqn",
        "trained": dict(zip(("probability", "ci_low", "ci_high"), expected, strict=True)),
    }


def _result(value: float) -> dict[str, Any]:
    return {"test": {"mean_return": value, "std_return": 1.0, "min_return": value, "episodes": 3}}
