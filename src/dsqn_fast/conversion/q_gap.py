"""How far apart the best and the second output of a source network are.

Outputs are Q-values of a Q network, and logits of an actor or classifier: Q stands for either here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import OptionError

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, kw_only=True)
class QGap:
    """Distribution over states of Q(best) - Q(second), relative to |Q(best)|.

    Attributes:
        quantiles: Quantile -> relative gap.
        mean_magnitude: Mean of |Q(best)|.
        mean_gap: Mean of the gap in units of Q.
        histogram: Share of states per bin of the relative gap.
        edges: Edges of the bins, one more than bins; logarithmic.
    """

    quantiles: dict[str, float]
    mean_magnitude: float
    mean_gap: float
    histogram: tuple[float, ...]
    edges: tuple[float, ...]

    @property
    def median(self) -> float:
        """Relative gap of the median state."""
        return self.quantiles["0.5"]


def relative_gaps(q_values: NDArray[np.floating]) -> NDArray[np.float64]:
    """(B,) gap of every state, relative to |Q(best)|."""
    ordered = np.sort(q_values.astype(np.float64), axis=1)
    tiny = np.finfo(np.float64).tiny
    gaps: NDArray[np.float64] = (ordered[:, -1] - ordered[:, -2]) / np.maximum(
        np.abs(ordered[:, -1]), tiny
    )
    return gaps


def measure_gap(q_values: NDArray[np.floating]) -> QGap:
    """Look at the gaps of (B, n) outputs.

    Raises:
        OptionError: There are fewer than two outputs.
    """
    if q_values.shape[1] < 2:
        raise OptionError(
            f"a gap needs at least 2 outputs to choose between, not {q_values.shape[1]}"
        )
    relative = relative_gaps(q_values)
    ordered = np.sort(q_values.astype(np.float64), axis=1)
    edges = np.logspace(-6, 1, 29)
    counts, _ = np.histogram(np.clip(relative, edges[0], edges[-1]), edges)
    return QGap(
        quantiles={f"{q:g}": float(np.quantile(relative, q)) for q in QUANTILES},
        mean_magnitude=float(np.abs(ordered[:, -1]).mean()),
        mean_gap=float((ordered[:, -1] - ordered[:, -2]).mean()),
        histogram=tuple(float(count) / len(relative) for count in counts),
        edges=tuple(float(edge) for edge in edges),
    )
