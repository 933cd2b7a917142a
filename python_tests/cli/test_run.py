"""`dsqn-fast run` as a user and a program meet it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from child_processes import environment, output_of
from command_calls import (
    PROGRAM,
    bad_policy_files,
    call,
    one_sentence,
    process,
    refused,
    table_rows,
)
from simulators import dense_model

from dsqn_fast.agents import SpikingAgent
from dsqn_fast.engine import active_isa, available_isas
from dsqn_fast.evaluation import evaluate
from dsqn_fast.model.options import PRECISIONS
from dsqn_fast.model_io import load_policy

KEYS = {
    "mean_return",
    "std_return",
    "ci_low",
    "ci_high",
    "agreement",
    "episodes",
    "n_steps",
    "spikes_per_decision",
    "synaptic_operations_per_decision",
    "decisions_per_second",
    "seed",
    "isa",
    "threads",
    "precision",
    "env_id",
    "version",
    "returns",
}
# Named differently, or measured anew by every run.
CONDITIONS = {"isa", "threads", "decisions_per_second"}


def _numbers(text: str) -> dict[str, Any]:
    return {name: value for name, value in json.loads(text).items() if name not in CONDITIONS}


def test_the_table_has_every_result(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", shipped, "--episodes", 3, "--max-episode-steps", 40, "--seed", 4]
    shown = call(capsys, *words)
    assert "cartpole-dqn.npz on CartPole-v1" in shown
    rows = table_rows(shown)
    data = json.loads(call(capsys, *words, "--json", "-"))
    assert rows["mean return"] == f"{data['mean_return']:.2f}" == "40.00"
    assert rows["standard deviation"] == "0.00"
    assert rows["95 % confidence interval"] == "40.00 to 40.00"
    assert rows["agreement with the source"].startswith(f"{100 * data['agreement']:.2f} % (")
    assert rows["spikes per decision"] == f"{data['spikes_per_decision']:.1f}"
    assert rows["synaptic operations per decision"].replace(" ", "") == (
        f"{data['synaptic_operations_per_decision']:.1f}"
    )
    energy = data["energy"]["snn"]
    assert energy["effective_acs"] == data["synaptic_operations_per_decision"]
    assert energy["membrane_updates"] == 34 * data["steps_used"]
    assert energy["activation_sparsity"] == 1 - data["spikes_per_decision"] / (32 * 32)
    assert int(rows["decisions per second"].replace(" ", "")) > 0
    assert rows["time steps T"] == str(load_policy(shipped).n_steps)
    assert rows["instruction set"] == active_isa()
    wanted = {"episodes": "3", "seed": "4", "threads": "1", "precision": "float32"}
    assert {name: rows[name] for name in wanted} == wanted


def test_the_json_holds_the_report(noisy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(call(capsys, "run", noisy, "--episodes", 5, "--seed", 7, "--json", "-"))
    assert data.keys() >= KEYS
    report = evaluate(SpikingAgent(load_policy(noisy), seed=7), episodes=5, seed=7)
    wanted = json.loads(json.dumps(report.to_dict()))
    del wanted["decisions_per_second"]
    assert {name: data[name] for name in wanted} == wanted
    assert data["agreement"] is None
    assert data["policy"] == str(noisy)
    assert (data["n_steps"], data["isa"], data["seed"]) == (12, active_isa(), 7)


@pytest.mark.filterwarnings("ignore:.*CartPole-v0 is out of date:DeprecationWarning")
def test_options_reach_the_agent(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--episodes", 2, "-T", 5, "--threads", 2, "--max-episode-steps", 9]
    words += ["--env", "CartPole-v0", "--precision", "float64", "--json", "-"]
    data = json.loads(call(capsys, "run", shipped, *words))
    found = (data["n_steps"], data["threads"], data["precision"], data["env_id"])
    assert found == (5, 2, "float64", "CartPole-v0")
    assert data["steps_used"] == 5
    assert max(data["lengths"]) <= 9


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("n_steps", [8, 64])
def test_every_precision_runs(
    shipped: Path, precision: str, n_steps: int, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--precision", precision, "-T", n_steps, "--episodes", 2, "--json", "-"]
    data = json.loads(call(capsys, "run", shipped, *words))
    assert (data["precision"], data["n_steps"]) == (precision, n_steps)
    assert data["agreement"] > 0.5
    shown = call(capsys, "run", "--help")
    assert precision in shown


def test_a_json_file_appears_whole_beside_the_table(
    noisy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "r.json"
    target.write_text("what was there before")
    shown = call(capsys, "run", noisy, "--episodes", 2, "--json", target)
    assert "mean return" in shown
    assert json.loads(target.read_text())["episodes"] == 2
    assert list(tmp_path.iterdir()) == [target]


def test_same_seed_same_numbers_on_every_instruction_set(noisy: Path, shipped: Path) -> None:
    isas = available_isas()
    assert "scalar" in isas
    for policy in (noisy, shipped):
        words = ["run", policy, "--episodes", 3, "--seed", 3, "--json", "-"]
        words += ["--max-episode-steps", 60]
        results = []
        for index, isa in enumerate(isas):
            threads = 1 + index % 2
            code, out, errors = process(*words, "--threads", threads, DSQN_FORCE_ISA=isa)
            assert (code, errors) == (0, "")
            assert json.loads(out)["isa"] == isa
            results.append(_numbers(out))
        assert all(result == results[0] for result in results)


def test_the_number_of_threads_changes_nothing(
    noisy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = [
        _numbers(call(capsys, "run", noisy, "--episodes", 8, "--threads", n, "--json", "-"))
        for n in (1, 2, 5)
    ]
    assert results[0] == results[1] == results[2]
    other = call(capsys, "run", noisy, "--episodes", 8, "--seed", 1, "--json", "-")
    assert _numbers(other)["returns"] != results[0]["returns"]


def test_no_torch_and_no_matplotlib_is_imported(shipped: Path) -> None:
    script = f"""
import sys
from dsqn_fast.cli.main import main
assert main(["run", {str(shipped)!r}, "--episodes", "1", "--max-episode-steps", "5"]) == 0
heavy = {{"torch", "matplotlib", "stable_baselines3", "onnx", "optuna", "nir", "tensorboard"}}
print("heavy:", sorted(heavy.intersection(sys.modules)))
"""
    assert output_of("-c", script).endswith("heavy: []\n")


def _run_onto(stdout: int, *words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *PROGRAM, *map(str, words)]
    return subprocess.run(
        command, stdout=stdout, stderr=subprocess.PIPE, text=True, env=environment(), check=False
    )


@pytest.mark.parametrize("words", [[], ["--json", "-"]])
def test_stdout_that_is_full_is_refused(noisy: Path, words: list[str]) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full")
    with full.open("w") as stdout:
        done = _run_onto(stdout.fileno(), "run", noisy, "--episodes", 1, *words)
    wanted = "dsqn-fast: stdout cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (2, wanted)


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["--version"]])
def test_help_that_does_not_fit_is_refused(words: list[str]) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full")
    with full.open("w") as stdout:
        done = _run_onto(stdout.fileno(), *words)
    wanted = "dsqn-fast: stdout cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (2, wanted)


def test_names_that_a_terminal_would_obey_are_shown_as_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = refused(capsys, "run", tmp_path / "\x1b[31mred.npz")
    assert "\\x1b[31mred.npz" in error
    assert error.rstrip("\n").isprintable()


def test_one_episode_has_no_interval(noisy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = table_rows(call(capsys, "run", noisy, "--episodes", 1))
    assert rows["95 % confidence interval"] == "needs 2 episodes or more, not 1"


def test_a_reader_that_leaves_is_no_error(noisy: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = _run_onto(write, "run", noisy, "--episodes", 1)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("kind", ["missing", "folder", "text", "array", "cut", "version", "nan"])
def test_files_that_are_no_policies(
    kind: str, shipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, message = bad_policy_files(tmp_path, shipped)[kind]
    before, target = sorted(tmp_path.iterdir()), tmp_path / "r.json"
    found = refused(capsys, "run", path, "--json", target)
    assert message in found
    assert str(path) in found
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--n-steps", 0], "n_steps must be an integer from 1 to 16777216, not 0"),
        (["--n-steps", -1], "n_steps must be an integer from 1 to 16777216, not -1"),
        (["--n-steps", 2**40], "n_steps must be an integer from 1 to 16777216, not 1099511627776"),
        (["--n-steps", "many"], "'--n-steps'"),
        (["--n-steps", "many"], "'many'"),
        (["--n-steps=1.5"], "'1.5'"),
        (["--episodes", 0], "episodes must be an integer from 1 to 16777216, not 0"),
        (["--episodes", 2**40], "not 1099511627776"),
        (["--threads", 0], "n_threads must be from 1 to 1024, not 0"),
        (["--threads", 2**40], "n_threads must be from 1 to 1024, not 1099511627776"),
        (["--seed", -1], "seed must be from 0 to 2**64 - 1, not -1"),
        (["--seed", 2**64], "seed must be from 0 to 2**64 - 1, not 18446744073709551616"),
        (["--precision", "float16"], f"one of {', '.join(PRECISIONS)}, not 'float16'"),
        (["--max-episode-steps", 0], "max_episode_steps must be an integer from 1"),
        (["--env", "CartPole-v7"], "no environment 'CartPole-v7' is registered"),
        (["--env", "CartPole-v7"], "the nearest is 'CartPole-v1'"),
        (["--env", ":CartPole-v1"], "names the module ''"),
        (["--env", "Pendulum-v1"], "takes observations of shape (4,), but Pendulum-v1 has"),
        (["--env", "Acrobot-v1"], "a continuous space of shape (6,)"),
        (["--frobnicate"], "No such option: --frobnicate"),
        (["--json", "no/such/folder/r.json"], "there is no folder no/such/folder"),
        (["--json", "."], "is a folder"),
        (["--json", "/dev/full"], "No space left on device"),
        (["--json", "n" * 300], "File name too long"),
    ],
)
def test_bad_options_are_one_sentence(
    words: list[Any], message: str, noisy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["--max-episode-steps", 5] if "--max-episode-steps" not in words else []
    assert message in refused(capsys, "run", noisy, *few, *words)


def test_an_environment_with_other_actions(
    noisy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "p.npz"
    dense_model([[[1.0, -1.0]] * 3], env_id="Pendulum-v1").save(path)
    found = refused(capsys, "run", path)
    assert "chooses one of 2 discrete actions, but Pendulum-v1 has a continuous space" in found


def test_a_policy_without_an_environment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "p.npz"
    dense_model([[[1.0, -1.0]] * 4]).save(path)
    assert "names no environment" in refused(capsys, "run", path)
    call(capsys, "run", path, "--env", "CartPole-v1", "--episodes", 1)


def test_a_policy_file_imports_no_module(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "p.npz"
    dense_model([[[1.0, -1.0]] * 4], env_id="antigravity:CartPole-v1").save(path)
    assert "import the module 'antigravity'" in refused(capsys, "run", path)


@pytest.mark.parametrize("isa", ["nonsense", "AVX2 "])
def test_an_unknown_instruction_set(noisy: Path, isa: str) -> None:
    code, out, errors = process("run", noisy, DSQN_FORCE_ISA=isa)
    assert (code, out) == (2, "")
    assert one_sentence(errors)
    assert isa.strip() in errors
    assert "scalar" in errors


def test_refusals_of_the_program_in_its_own_process(noisy: Path, tmp_path: Path) -> None:
    for words in (["run", tmp_path / "missing.npz"], ["run", noisy, "--n-steps", 2**40]):
        code, out, errors = process(*words)
        assert (code, out) == (2, "")
        assert one_sentence(errors)
