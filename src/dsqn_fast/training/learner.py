"""What a training needs of a method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from dsqn_fast.training.network_evaluation import Network
from dsqn_fast.training.schedule import Schedule


class Learner(Protocol):
    """A method at work in its environments; made new from a plan, or brought to a moment."""

    @property
    def steps(self) -> int:
        """Environment steps done."""

    def learn(self, schedule: Schedule) -> None:
        """Learn until ``schedule.total_steps``, and tell the schedule of the steps.

        Raises:
            TrainingError: The loss is not finite.
        """

    def network(self, provenance: Mapping[str, Any]) -> Network:
        """The network of this moment, as it would play."""

    def state(self) -> dict[str, Any]:
        """This moment: tensors, numbers, text, and lists and mappings of them."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Come back to a moment; may raise anything if it is of another learner."""

    def log(self, values: Mapping[str, float]) -> None:
        """Add values to the TensorBoard log of the run."""

    def replay(self) -> NDArray[Any] | None:
        """Observations (B, n) that it remembers, as the environment showed them."""
