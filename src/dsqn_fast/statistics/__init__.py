"""What repeated measurements say: over episodes, training runs and conversions."""

from dsqn_fast.statistics.holm import holm
from dsqn_fast.statistics.intervals import (
    RESAMPLES,
    Interval,
    binomial_interval,
    bootstrap_interval,
    mean,
    standard_deviation,
)
from dsqn_fast.statistics.paired import PairedComparison, paired_comparison
from dsqn_fast.statistics.runs import Estimate, iqm, probability_of_improvement
from dsqn_fast.statistics.spread import Spread, spread, spread_of_moments

__all__ = [
    "RESAMPLES",
    "Estimate",
    "Interval",
    "PairedComparison",
    "Spread",
    "binomial_interval",
    "bootstrap_interval",
    "holm",
    "iqm",
    "mean",
    "paired_comparison",
    "probability_of_improvement",
    "spread",
    "spread_of_moments",
    "standard_deviation",
]
