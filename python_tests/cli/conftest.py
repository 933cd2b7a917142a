"""Files that the tests of the commands share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from random_decisions import random_model


@pytest.fixture(scope="session")
def shipped(policies: Path) -> Path:
    """The CartPole policy of this project."""
    return policies / "cartpole-dqn.npz"


@pytest.fixture(scope="session")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random policy of CartPole with Poisson encoding and without a source."""
    rng = np.random.default_rng(1)
    path = tmp_path_factory.mktemp("noisy") / "noisy.npz"
    model = random_model(rng, (4, 17, 2), n_steps=12, encoding="poisson", env_id="CartPole-v1")
    model.save(path)
    return path
