"""Do peers decide as the engine does?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.benchmarking.nets import BenchmarkNet
from dsqn_fast.benchmarking.peers.catalogue import make_peer
from dsqn_fast.engine import Engine
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.reference import simulate_reference

TOLERANCE: Final = 0.95
"""Share of equal decisions below which a row of the table is marked.

Every peer adds in an order of its own, so that a potential may cross the threshold a step earlier
or later; on these networks that turns few decisions if any.
"""


@dataclass(frozen=True)
class Agreement:
    """How a peer's decisions compare with those it should make.

    Attributes:
        share: Of equal decisions.
        observations: Decisions compared.
        largest_difference: Of any final potential.
        convention: What was compared with, in words.
    """

    share: float
    observations: int
    largest_difference: float
    convention: str

    @property
    def is_within_tolerance(self) -> bool:
        """Whether enough decisions are equal, see `TOLERANCE`."""
        return self.share >= TOLERANCE


def expected_potentials(
    net: BenchmarkNet, peer: str, batch: int, n_steps: int
) -> tuple[NDArray[np.floating], str]:
    """What ``peer`` should give for the first ``batch`` observations, and by which convention.

    That is the ReLU network's output for the peers that run it, and for all others what the
    engine gives with the reset and the timing that the peer has.
    """
    kind, observations = make_peer(peer), net.observations[:batch]
    if kind.is_relu:
        assert net.model.source is not None
        return net.model.source.forward(observations), "the ReLU network"
    model = with_convention(net.model, kind.convention)
    reset = {"subtraction": "reset by subtraction", "zero": "reset to zero"}[model.neuron.reset]
    outputs = Engine(model).run(observations, n_steps=n_steps).outputs
    return outputs, f"{reset}, {model.timing}"


def with_convention(model: SpikingModel, changes: Mapping[str, Any]) -> SpikingModel:
    """``model`` with the ``reset`` and the ``timing`` of a peer, where it has others."""
    reset = changes.get("reset", model.neuron.reset)
    timing = changes.get("timing", model.timing)
    return model.replace(neuron=replace(model.neuron, reset=reset), timing=timing)


def compare(found: NDArray[np.floating], expected: NDArray[np.floating], words: str) -> Agreement:
    """Compare final potentials (B, n_out) of a peer with those expected."""
    equal = found.argmax(axis=1) == expected.argmax(axis=1)
    difference = float(np.abs(found - expected).max(initial=0.0))
    return Agreement(float(equal.mean()), len(equal), difference, words)


def engine_equals_reference(net: BenchmarkNet, n_steps: int) -> bool:
    """Whether engine and NumPy reference give the same bits for one observation."""
    observation = net.observations[:1]
    engine = Engine(net.model).run(observation, n_steps=n_steps)
    reference = simulate_reference(net.model, observation, n_steps=n_steps)
    return bool(np.array_equal(engine.outputs, reference.outputs))
