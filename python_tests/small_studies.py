"""Study files that take a second, and calls that run them."""

from __future__ import annotations

from pathlib import Path

from dsqn_fast.studies.cells import Amount
from dsqn_fast.studies.compute import Row, numbers
from dsqn_fast.studies.folder import StudyFolder
from dsqn_fast.studies.run import Execution, StudyRun, run_study
from dsqn_fast.studies.study_file import read_study

TEXT = """
title = "A small study"
question = "Does it run?"
policies = [{ name = "net", file = "policies/cartpole-dqn.npz", max_episode_steps = 30 }]
metrics = ["return", "agreement", "regret", "spikes_per_decision", "nanojoule", "seconds"]

[fixed]
normalization = "thesis-model"

[grid]
n_steps = [4, 8]
reset = ["subtraction", "zero"]

[figure]
x = "n_steps"
y = ["return", "agreement"]
series = "reset"
log = true

[winner]
among = "reset"
metric = "agreement"

[[published]]
policy = "net"
n_steps = 8
reset = "zero"
return = 1.5
agreement = 0.25
std = 0.5
"""
SMALL = Amount(episodes=4)
HERE = Execution(jobs=1)


def write_study(folder: Path, text: str = TEXT, name: str = "small.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def run_small(
    folder: Path,
    text: str = TEXT,
    *,
    amount: Amount = SMALL,
    execution: Execution = HERE,
    out: str = "out",
) -> StudyRun:
    file = write_study(folder, text)
    return run_study(
        read_study(file), folder / out, amount=amount, execution=execution, study_file=file
    )


def rows_of(folder: Path) -> dict[str, Row]:
    """Rows by key, without what the clock gave."""
    return {row["key"]: numbers(row) for row in StudyFolder(folder).rows.read()}
