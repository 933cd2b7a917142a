"""Threads that are kept between calls: children of a fork, and the end of the interpreter."""

from __future__ import annotations

import os

import numpy as np
import pytest
from child_processes import output_of
from random_decisions import random_model

from dsqn_fast.engine import Engine

PROGRAM = """
import numpy as np
from random_decisions import random_model
from dsqn_fast.engine import Engine
model = random_model(np.random.default_rng(0), (4, 33, 17, 3))
Engine(model, n_threads=3).run(np.full((64, 4), 0.5, np.float32), n_steps=10)
print("ends")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own() -> None:
    rng = np.random.default_rng(7)
    model = random_model(rng, (4, 33, 17, 3))
    engine = Engine(model, n_threads=2)
    observations = rng.uniform(-1, 1, (64, *model.input_shape)).astype(np.float32)
    wanted = engine.run(observations, n_steps=40).outputs
    child = os.fork()
    if child == 0:
        same = all(
            np.array_equal(engine.run(observations, n_steps=40).outputs, wanted) for _ in range(5)
        )
        os._exit(0 if same else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert np.array_equal(engine.run(observations, n_steps=40).outputs, wanted)


def test_a_program_ends_while_its_threads_sleep() -> None:
    assert output_of("-c", PROGRAM) == "ends\n"
