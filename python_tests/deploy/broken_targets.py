"""Targets that go wrong, each in its own way; `registered` makes them known to both processes."""

from __future__ import annotations

import os
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.deploy.reference_target import ReferenceTarget
from dsqn_fast.deploy.target import TargetOption, TargetRun
from dsqn_fast.deploy.versions import Supported


class Crashing(ReferenceTarget):
    """Its process ends, as after a fault in a simulator's kernel."""

    title = "crashing"

    def run(self, observations: NDArray[Any], **details: Any) -> TargetRun:
        os.abort()


class Flipped(ReferenceTarget):
    """One spike is missing, and one potential is off."""

    title = "flipped"
    options: ClassVar = {"amount": TargetOption(default=0.0, help="Added to a potential.")}

    def run(self, observations: NDArray[Any], **details: Any) -> TargetRun:
        run = super().run(observations, **details)
        if run.spikes:
            decision, step, neuron = np.argwhere(run.spikes[1])[0]
            run.spikes[1][decision, step, neuron] = 0
        run.potentials[0, 0] += self.number("amount")
        return run


class Old(ReferenceTarget):
    """Needs a version of NumPy that nobody has."""

    title = "old"
    supported = Supported(distribution="numpy", lowest="99", below="100")


class Absent(ReferenceTarget):
    """Needs a package that nobody has."""

    title = "absent"
    supported = Supported(distribution="no-such-package", lowest="1", below="2")
