from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from child_processes import environment, start
from small_studies import HERE, TEXT, rows_of, write_study

from dsqn_fast.errors import ClusterError, MissingExtraError, OptionError
from dsqn_fast.studies.cells import Amount
from dsqn_fast.studies.executors import make_executor, ray_cluster
from dsqn_fast.studies.run import run_study
from dsqn_fast.studies.study_file import read_study

STARTS_WITHIN = 60
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # A token of this test's own: nobody else can hand its machines work.
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
    # A lost machine is noticed within seconds.
    "RAY_health_check_initial_delay_ms": "500",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "2",
}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def descendants(parent: int) -> list[int]:
    """Processes that a process started, and those that they started."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        if entry.name.isdigit() and int(fields[1]) == parent:
            found += [int(entry.name), *descendants(int(entry.name))]
    return found


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """Kill a ``ray start`` and everything that it started."""
    for pid in [process.pid, *descendants(process.pid)]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()


@contextmanager
def machine(folder: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Ray machine: one ``ray start`` with one core."""
    ray = Path(sys.executable).with_name("ray")
    words = [ray, "start", "--block", "--num-cpus=1", "--disable-usage-stats"]
    words += ["--object-store-memory=100000000", "--node-ip-address=127.0.0.1", *options]
    with (folder / f"ray-{len(list(folder.iterdir()))}.log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, env=environment(**QUIET))
    try:
        yield process
    finally:
        kill_tree(process)


def wait_for_port(port: int) -> None:
    """Until something listens there."""
    begin = time.monotonic()
    while time.monotonic() - begin < STARTS_WITHIN:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail(f"nothing listens at port {port} after {STARTS_WITHIN} s")


def wait_for_machines(address: str, count: int) -> None:
    """Until the cluster has so many machines; the state is asked for in another process."""
    code = (
        "import ray, sys, time\n"
        f"ray.init(address={address!r}, log_to_driver=False, logging_level='ERROR')\n"
        f"while sum(n['Alive'] for n in ray.nodes()) < {count}: time.sleep(0.2)\n"
    )
    begin = time.monotonic()
    while time.monotonic() - begin < STARTS_WITHIN:
        with start("-c", code, **QUIET) as child:
            try:
                if child.wait(timeout=STARTS_WITHIN) == 0:
                    return
            except subprocess.TimeoutExpired:
                child.kill()
        time.sleep(0.5)
    pytest.fail(f"the cluster did not get {count} machines within {STARTS_WITHIN} s")


@pytest.mark.slow
def test_a_study_survives_the_loss_of_a_machine(tmp_path: Path) -> None:
    pytest.importorskip("ray", exc_type=ImportError)
    text = TEXT.replace("n_steps = [4, 8]", "n_steps = [40, 50, 60, 70]")
    text = text.replace("max_episode_steps = 30", "max_episode_steps = 200")
    file, out, port = write_study(tmp_path, text), tmp_path / "out", free_port()
    address = f"127.0.0.1:{port}"
    words = ["-m", "dsqn_fast.cli.main", "study", "run", str(file), "--out", str(out)]
    words += ["--episodes", "60", "--executor", "ray", "--address", address, "--json", "-"]
    # Ray makes sockets, whose paths must be short.
    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp") as short:
        head = ("--head", f"--port={port}", f"--temp-dir={short}", "--include-dashboard=false")
        with contextlib.ExitStack() as machines:
            machines.enter_context(machine(tmp_path, *head))
            wait_for_port(port)
            second = machines.enter_context(machine(tmp_path, f"--address={address}"))
            wait_for_machines(address, 2)
            with start(*words, **QUIET) as child:
                rows = out / "rows.jsonl"
                while child.poll() is None and not (rows.exists() and rows.stat().st_size):
                    time.sleep(0.01)
                before = len(rows.read_bytes().splitlines())
                kill_tree(second)
                shown, errors = child.communicate(timeout=120)
    assert child.returncode == 0, errors
    result = json.loads(shown)
    assert (result["computed"], result["impossible"]) == (9, 0)
    assert 1 <= before < 9
    provenance = json.loads((out / "provenance.json").read_text())
    assert len(provenance["runs"][0]["executor"]["nodes"]) == 2
    here = tmp_path / "here"
    run_study(read_study(file), here, amount=Amount(episodes=60), execution=HERE, study_file=file)
    assert rows_of(out) == rows_of(here)


@pytest.mark.slow
def test_ray_of_this_machine_gives_the_same_numbers(tmp_path: Path) -> None:
    pytest.importorskip("ray", exc_type=ImportError)
    file, out = write_study(tmp_path), tmp_path / "out"
    words = ["-m", "dsqn_fast.cli.main", "study", "run", str(file), "--out", str(out)]
    words += ["--episodes", "4", "--executor", "ray", "--jobs", "1", "--json", "-"]
    with start(*words, **QUIET) as child:
        shown, errors = child.communicate(timeout=120)
    assert child.returncode == 0, errors
    assert errors == ""
    assert json.loads(shown)["computed"] == 5
    run_study(
        read_study(file), tmp_path / "b", amount=Amount(episodes=4), execution=HERE, study_file=file
    )
    assert rows_of(out) == rows_of(tmp_path / "b")


def test_an_unreachable_cluster_is_refused() -> None:
    pytest.importorskip("ray", exc_type=ImportError)
    begin = time.monotonic()
    with pytest.raises(ClusterError, match=r"no Ray cluster answers at 127.0.0.1:\d+ \(Conn"):
        make_executor("ray", address=f"127.0.0.1:{free_port()}")
    assert time.monotonic() - begin < 15


@pytest.mark.parametrize("address", ["nowhere", "host:", ":6379", "host:0", "host:70000", "h:x"])
def test_addresses_have_a_host_and_a_port(address: str) -> None:
    with pytest.raises(OptionError, match="HOST:PORT"):
        make_executor("ray", address=address)


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"dsqn-fast\[cluster\]"):
        make_executor("ray")


class OneMachine:
    """As much of Ray as asking a machine for its versions needs."""

    def __init__(self, answer: dict[str, str] | Exception) -> None:
        self.answer = answer

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "NodeID": "a", "NodeManagerAddress": "10.0.0.7", "Resources": {}}]

    def remote(self, function: Any) -> OneMachine:
        return self

    def options(self, **options: Any) -> Any:
        class Task:
            remote = staticmethod(lambda: None)

        return Task()

    def get(self, answer: Any, timeout: float) -> dict[str, str]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"numpy": "1.0"}, r"10\.0\.0\.7 has numpy 1\.0, but this one has [\d.]+: install"),
        ({"dsqn-fast": "9.9"}, r"has dsqn-fast 9\.9, but this one has"),
        (
            ModuleNotFoundError("No module named 'dsqn_fast'"),
            r"10\.0\.0\.7 cannot run this package",
        ),
    ],
)
def test_machines_of_other_versions_are_refused(
    answer: Any, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_cluster, "_on_node", lambda node: node)
    executor = object.__new__(ray_cluster.RayExecutor)
    found = answer if isinstance(answer, Exception) else ray_cluster.own_versions() | answer
    executor._ray = OneMachine(found)
    with pytest.raises(ClusterError, match=message):
        executor._check_nodes()
