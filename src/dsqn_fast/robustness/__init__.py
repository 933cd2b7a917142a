"""How a policy and the network that it came from bear disturbances, side by side.

observations  bars, noise, salt and pepper, dropped inputs
networks      dropped neurons, coarse weights, flipped bits
catalogue     all of them by name, with the levels that are measured
study         episodes of both agents under each        report, figure   what came out
"""

from dsqn_fast.robustness.catalogue import DISTURBANCES, Disturbance, disturbances_for
from dsqn_fast.robustness.report import Condition, RobustnessReport
from dsqn_fast.robustness.study import RobustnessOptions, measure_robustness

__all__ = [
    "DISTURBANCES",
    "Condition",
    "Disturbance",
    "RobustnessOptions",
    "RobustnessReport",
    "disturbances_for",
    "measure_robustness",
]
