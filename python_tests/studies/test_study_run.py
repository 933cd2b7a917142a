from __future__ import annotations

import json
import os
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
from child_processes import start
from small_studies import HERE, SMALL, TEXT, rows_of, run_small, write_study

from dsqn_fast.errors import OptionError, OutputPathError, StudyError
from dsqn_fast.studies.cells import Amount, make_cells
from dsqn_fast.studies.compute import compute_cell
from dsqn_fast.studies.executors import make_executor
from dsqn_fast.studies.folder import StudyFolder
from dsqn_fast.studies.materials import load_materials, search_folders
from dsqn_fast.studies.run import Execution, StudyProgress, run_study
from dsqn_fast.studies.study_file import read_study

FOLDERS = search_folders([], None)


def test_a_study_runs_and_is_kept(tmp_path: Path) -> None:
    run = run_small(tmp_path)
    assert (run.computed, run.kept, run.refused, run.left_out) == (5, 0, 0, ())
    rows = rows_of(tmp_path / "out")
    assert len(rows) == 5
    for row in rows.values():
        assert row["status"] == "done"
        assert len(row["returns"]) == 4
        assert max(row["returns"]) <= 30
    folder = StudyFolder(tmp_path / "out")
    assert folder.study_text() == TEXT
    assert {cell["key"] for cell in folder.plan()["cells"]} == set(rows)
    assert folder.provenance()[0]["cells"] == 5


def test_processes_give_the_same_numbers(tmp_path: Path) -> None:
    run_small(tmp_path, out="one")
    run_small(tmp_path, out="two", execution=Execution(jobs=2))
    assert rows_of(tmp_path / "one") == rows_of(tmp_path / "two")


def test_resume_computes_what_is_missing(tmp_path: Path) -> None:
    run_small(tmp_path)
    before = rows_of(tmp_path / "out")
    path = tmp_path / "out" / "rows.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]) + lines[2][:100])
    run = run_small(tmp_path, execution=replace(HERE, resume=True))
    assert (run.computed, run.kept) == (3, 2)
    assert rows_of(tmp_path / "out") == before
    run = run_small(tmp_path, execution=replace(HERE, resume=True))
    assert (run.computed, run.kept) == (0, 5)


def test_a_folder_in_use_or_of_another_study_is_refused(tmp_path: Path) -> None:
    run_small(tmp_path)
    with pytest.raises(OutputPathError, match=r"already holds a study.*--resume"):
        run_small(tmp_path)
    again = replace(HERE, resume=True)
    with pytest.raises(StudyError, match=r"amount\.episodes = 4, not 5"):
        run_small(tmp_path, execution=again, amount=Amount(episodes=5))
    with pytest.raises(StudyError, match=r"grid\.n_steps"):
        run_small(tmp_path, TEXT.replace("[4, 8]", "[4, 9]"), execution=again)
    with (
        StudyFolder(tmp_path / "out").locked(),
        pytest.raises(StudyError, match="another run is computing"),
    ):
        run_small(tmp_path, execution=again)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputPathError, match="cannot be written"):
        run_small(tmp_path, out="file")


def test_a_study_may_grow(tmp_path: Path) -> None:
    run_small(tmp_path)
    grown = TEXT.replace("[4, 8]", "[4, 8, 12]")
    run = run_small(tmp_path, grown, execution=replace(HERE, resume=True))
    assert (run.computed, run.kept) == (2, 5)
    assert StudyFolder(tmp_path / "out").study_text() == grown


def test_impossible_cells_say_why_and_stop_nothing(tmp_path: Path) -> None:
    text = TEXT.replace('"thesis-model"', '"thesis-model"\nspikes = "signed"')
    run = run_small(tmp_path, text)
    assert run.refused == 2
    reasons = {r["reason"] for r in rows_of(tmp_path / "out").values() if r["status"] == "refused"}
    assert len(reasons) == 1
    assert "signed spikes need reset 'subtraction'" in reasons.pop()


def test_cells_are_independent_and_know_their_key(tmp_path: Path) -> None:
    study = read_study(write_study(tmp_path))
    materials, _ = load_materials(study.policies, FOLDERS)
    cells = make_cells(study, materials, Amount(episodes=2, seeds=2))
    assert len({cell.key for cell in cells}) == len(cells) == 1 + 4 * 2
    costs = [cell.cost for cell in cells]
    assert costs == sorted(costs, reverse=True)
    other = replace(cells[0], seed=1)
    assert other.key != cells[0].key
    rows = [compute_cell(cell, materials[0]) for cell in cells]
    backwards = [compute_cell(cell, materials[0]) for cell in reversed(cells)]
    for row, again in zip(rows, reversed(backwards), strict=True):
        assert {**row, "seconds": 0, "decision_seconds": 0} == {
            **again,
            "seconds": 0,
            "decision_seconds": 0,
        }


def test_regret_and_agreement_belong_together(tmp_path: Path) -> None:
    run_small(tmp_path)
    for row in rows_of(tmp_path / "out").values():
        if row["cell"]["role"] == "source":
            assert row["regrets"] is None
            continue
        for equal, length, regret, scale in zip(
            row["equal_actions"], row["lengths"], row["regrets"], row["regret_scales"], strict=True
        ):
            # Two actions: a decision costs nothing or all that it can cost.
            assert 0 <= regret <= scale
            assert (regret == 0) == (equal == length)


def test_policies_that_are_not_there_are_left_out_or_refused(tmp_path: Path) -> None:
    one = '{ name = "net", file = "policies/cartpole-dqn.npz", max_episode_steps = 30 }'
    two = one.replace('"net"', '"other"').replace("cartpole-dqn", "none")
    run = run_small(tmp_path, TEXT.replace(f"[{one}]", f"[{one}, {two}]"))
    assert len(run.left_out) == 1
    assert "other is left out" in run.left_out[0]
    with pytest.raises(StudyError, match=r"none of the study's 1 policies.*--policy"):
        run_small(tmp_path, TEXT.replace(f"[{one}]", f"[{two}]"), out="b")
    study = read_study(write_study(tmp_path))
    required = replace(study, policies=(replace(study.policies[0], file="x.npz", required=True),))
    with pytest.raises(StudyError, match=r"has no file 'x.npz'.*--data"):
        run_study(required, tmp_path / "c")


def test_networks_that_name_no_environment_need_one(tmp_path: Path) -> None:
    import numpy as np

    np.savez(tmp_path / "plain.npz", w0=np.zeros((4, 2), np.float32))
    text = TEXT.replace("policies/cartpole-dqn.npz", str(tmp_path / "plain.npz"))
    with pytest.raises(StudyError, match=r"names no environment.*--env"):
        run_small(tmp_path, text)


def test_progress_counts_cells_and_work(tmp_path: Path) -> None:
    file = write_study(tmp_path)
    states: list[StudyProgress] = []
    run_study(
        read_study(file), tmp_path / "out", amount=SMALL, execution=HERE, progress=states.append
    )
    assert [state.done for state in states] == list(range(6))
    assert states[0].remaining_seconds is None
    assert states[0].row is None
    assert states[-1].remaining_seconds == 0
    assert all(state.cells == 5 for state in states)


def test_wrong_executors_are_refused() -> None:
    with pytest.raises(OptionError, match="did you mean 'local'"):
        make_executor("locale")
    with pytest.raises(OptionError, match="needs --executor ray"):
        make_executor("local", address="127.0.0.1:1")
    with pytest.raises(OptionError, match="jobs must be at least 1, not 0"):
        make_executor("local", jobs=0)


def test_a_killed_study_loses_at_most_the_running_cell(tmp_path: Path) -> None:
    text = TEXT.replace("n_steps = [4, 8]", "n_steps = [3, 4, 5, 6, 7, 8]")
    file = write_study(tmp_path, text)
    out = tmp_path / "out"
    words = ["-m", "dsqn_fast.cli.main", "study", "run", str(file), "--out", str(out)]
    words += ["--episodes", "12", "--jobs", "1"]
    with start(*words) as child:
        rows = out / "rows.jsonl"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and child.poll() is None:
            if rows.exists() and rows.read_bytes().count(b"\n") >= 3:
                break
            time.sleep(0.002)
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
    assert child.returncode == -signal.SIGKILL
    kept = rows_of(out)
    assert 3 <= len(kept) < 13
    with start(*words, "--resume", "--json", "-") as child:
        shown, errors = child.communicate(timeout=120)
    assert child.returncode == 0, errors
    assert json.loads(shown)["kept"] == len(kept)
    shutil.copytree(out, tmp_path / "resumed")
    amount = Amount(episodes=12)
    run_study(read_study(file), tmp_path / "whole", amount=amount, execution=HERE, study_file=file)
    assert rows_of(tmp_path / "resumed") == rows_of(tmp_path / "whole")


def test_processes_end_with_a_killed_study(tmp_path: Path) -> None:
    text = TEXT.replace("n_steps = [4, 8]", "n_steps = [1000000, 2000000]")
    file, out = write_study(tmp_path, text), tmp_path / "out"
    words = ["-m", "dsqn_fast.cli.main", "study", "run", str(file), "--out", str(out)]
    with start(*words, "--jobs", "2") as child:
        deadline = time.monotonic() + 60
        while len(found := _computing(child.pid)) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(1.0)
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
    assert len(found) >= 2
    while (alive := [pid for pid in found if Path(f"/proc/{pid}").exists()]) and (
        time.monotonic() < deadline
    ):
        time.sleep(0.1)
    assert alive == []


def _computing(parent: int) -> list[int]:
    """Worker processes of a process."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes()
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(stat[1]) == parent and b"popen_loky_posix" in words:
            found.append(int(entry.name))
    return found


def test_cells_may_train_their_policy(tmp_path: Path) -> None:
    pytest.importorskip("torch", exc_type=ImportError)
    quick = "total_steps = 300, learning_starts = 100, eval_every = 300, eval_episodes = 2"
    train = f'{{ method = "dqn", seeds = 1, set = {{ {quick}, test_episodes = 2 }} }}'
    policies = f'[{{ name = "dqn", env = "CartPole-v1", train = {train} }}]'
    text = f'title = "t"\nquestion = "q?"\npolicies = {policies}\n'
    run = run_small(tmp_path, text)
    assert (run.computed, run.refused) == (1, 0)
    more = text.replace("seeds = 1", "seeds = 2")
    run = run_small(tmp_path, more, execution=replace(HERE, resume=True))
    assert (run.computed, run.kept) == (1, 1)
    rows = list(rows_of(tmp_path / "out").values())
    assert {row["cell"]["policy"] for row in rows} == {"dqn 0", "dqn 1"}
    assert rows[0]["returns"] != rows[1]["returns"]
