"""Runs in the company of others: Ctrl-C, Python threads, the interpreter lock, few threads."""

from __future__ import annotations

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from child_processes import output_of, start
from interrupted_run import KINDS
from random_decisions import random_model
from simulators import assert_equal_results

from dsqn_fast.engine import Engine


@pytest.mark.slow
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_ctrl_c_ends_a_run_within_a_second(kind: str, n_threads: int) -> None:
    with start("-m", "interrupted_run", kind, str(n_threads)) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "running\n"
            pressed = time.monotonic()
            process.send_signal(signal.SIGINT)
            out, errors = process.communicate(timeout=60)
            took = time.monotonic() - pressed
        finally:
            process.kill()
    assert out == ""
    assert errors.rstrip().endswith("KeyboardInterrupt"), errors
    assert ", in run\n" in errors, errors
    assert process.returncode == -signal.SIGINT
    assert took < 1.0


def test_an_engine_is_usable_after_an_interrupted_run() -> None:
    script = """
import signal, threading, time
import numpy as np
from simulators import assert_equal_results, dense_model, run_engine
from dsqn_fast.engine import Engine
model = dense_model([np.full((4, 64), 0.3), np.full((64, 2), 0.1)], n_steps=50)
observations = np.ones((4, 4), np.float32)
engine = Engine(model, n_threads=2)
threading.Timer(0.2, signal.raise_signal, [signal.SIGINT]).start()
try:
    engine.run(observations, n_steps=2**24)
except KeyboardInterrupt:
    assert_equal_results(engine.run(observations), run_engine(model, observations))
    print("the same")
"""
    assert output_of("-c", script) == "the same\n"


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("encoding", ["constant", "poisson"])
def test_several_python_threads_run_one_engine(n_threads: int, encoding: Any) -> None:
    rng = np.random.default_rng(21)
    engine = Engine(
        random_model(rng, (4, 33, 17, 3), n_steps=200, encoding=encoding), n_threads=n_threads
    )
    inputs = rng.normal(size=(8, 30, 4)).astype(np.float32)
    records: list[Any] = [(), "all", (0,), (-1,)] * 2
    wanted = [engine.run(x, record=r) for x, r in zip(inputs, records, strict=True)]
    barrier = threading.Barrier(4)

    def run(index: int) -> Any:
        if index < 4:
            barrier.wait()
        return engine.run(inputs[index], record=records[index])

    with ThreadPoolExecutor(4) as pool:
        for found, one in zip(pool.map(run, range(8)), wanted, strict=True):
            assert_equal_results(found, one)


def test_other_python_threads_go_on_during_a_run() -> None:
    model = random_model(np.random.default_rng(22), (2, 64, 64, 3), n_steps=2**21)
    engine, ticks, stop = Engine(model), [0], threading.Event()

    def tick() -> None:
        while not stop.wait(0.001):
            ticks[0] += 1

    ticking = threading.Thread(target=tick)
    ticking.start()
    try:
        before = ticks[0]
        engine.run(np.ones((1, 2), np.float32))
        during = ticks[0] - before
    finally:
        stop.set()
        ticking.join()
    assert during > 10


FEW_THREADS = """
import resource
import numpy as np
from pathlib import Path
from simulators import assert_equal_results, dense_model, run_engine
model = dense_model([np.eye(4)], n_steps=50)
observations = np.random.default_rng(0).normal(size=(3000, 4)).astype(np.float32)
wanted = run_engine(model, observations)
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, used + 2**28))
assert_equal_results(run_engine(model, observations, n_threads=1000), wanted)
print("the same")
"""


def test_fewer_threads_do_the_work_where_no_more_can_be_started() -> None:
    assert output_of("-c", FEW_THREADS) == "the same\n"
