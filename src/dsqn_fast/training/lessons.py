"""What a network is taught by imitation: states, the teacher's actions, and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import ObservationError, OptionError

FEWEST_STATES = 20


@dataclass(frozen=True, kw_only=True)
class ImitationOptions:
    """How a network is taught.

    Attributes:
        epochs: Passes over the states.
        learning_rate: At the start; it falls to 0 along half a cosine.
        batch_size: States of one gradient step.
        validation_share: Share of the states, whole episodes at the end, on which the best
            epoch is chosen.
    """

    epochs: int = 40
    learning_rate: float = 1e-3
    batch_size: int = 256
    validation_share: float = 0.1

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise OptionError(f"{name} must be an integer of at least 1, not {value!r}")
        if not 0.0 < self.learning_rate < 1e3:
            raise OptionError(f"learning_rate must be above 0, not {self.learning_rate!r}")
        if not 0.0 < self.validation_share < 1.0:
            raise OptionError(
                f"validation_share must be between 0 and 1, not {self.validation_share!r}"
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class Lessons:
    """States and the teacher's actions on them, shared out into training and validation.

    Attributes:
        observations: (B, *shape).
        actions: (B,) int64.
        n_training: The first so many are trained on, the others validate.
    """

    observations: NDArray[Any]
    actions: NDArray[np.int64]
    n_training: int

    @staticmethod
    def share_out(
        observations: NDArray[Any],
        actions: NDArray[np.int64],
        share: float,
        episode: NDArray[np.int64] | None = None,
    ) -> Lessons:
        """Keep the last ``share`` of the states for validation, whole episodes of them.

        Args:
            observations: (B, *shape).
            actions: (B,) the teacher's actions.
            share: Between 0 and 1.
            episode: (B,) ascending numbers; None to cut anywhere.

        Raises:
            ObservationError: There are too few states.
        """
        count = len(observations)
        if count < FEWEST_STATES:
            raise ObservationError(
                f"{count} observations are too few to teach a network: give {FEWEST_STATES} or more"
            )
        cut = min(max(round(count * (1 - share)), 1), count - 1)
        if episode is not None and episode[0] < episode[cut]:
            cut = int(np.searchsorted(episode, episode[cut]))
        return Lessons(observations=observations, actions=actions, n_training=cut)

    @staticmethod
    def joined(parts: Sequence[Lessons]) -> Lessons:
        """All of some lessons: the training states of each first, then those of validation."""
        cuts = [part.n_training for part in parts]
        pairs = list(zip(parts, cuts, strict=True))

        def join(name: str) -> NDArray[Any]:
            first = [getattr(part, name)[:cut] for part, cut in pairs]
            return np.concatenate([*first, *(getattr(part, name)[cut:] for part, cut in pairs)])

        return Lessons(
            observations=join("observations"), actions=join("actions"), n_training=sum(cuts)
        )
