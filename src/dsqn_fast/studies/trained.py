"""Policies that a cell trains itself."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from dsqn_fast.model.ann import AnnModel
from dsqn_fast.studies.materials import Material
from dsqn_fast.training import load_method


def trained(material: Material) -> Material:
    """The material with the best network of its training.

    The run's folder is a temporary one: a cell that is interrupted trains again from the start.

    Raises:
        DsqnError: The training cannot be done; its message says why.
    """
    training, seed = material.policy.train, material.training_seed
    assert training is not None
    with tempfile.TemporaryDirectory(prefix="dsqn-fast-") as folder:
        report = load_method(training.method, material.env_id)(
            training.method,
            material.env_id,
            seed=seed,
            preset=training.preset,
            changes=dict(training.changes),
            n_steps=None,
            out=Path(folder) / "run",
        )
    network = report.network
    if isinstance(network, AnnModel):
        return replace(material, ann=network, training_seed=None)
    return replace(material, model=network, training_seed=None)
