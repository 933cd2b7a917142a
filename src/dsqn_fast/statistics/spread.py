"""Where the spread of returns comes from: episodes, conversion, or training."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsqn_fast.errors import OptionError
from dsqn_fast.statistics.checks import checked_values


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Standard deviations that the return would have if only one thing changed.

    Attributes:
        episodes: From episode to episode of the same policy; None with one episode each.
        conversion: From conversion to conversion of the same trained network, over infinitely
            many episodes; None with one conversion each.
        training: From training seed to training seed, over infinitely many conversions and
            episodes; None with one training.
    """

    episodes: float | None
    conversion: float | None
    training: float | None

    def to_dict(self) -> dict[str, Any]:
        """The deviations as JSON values."""
        return asdict(self)


def spread(returns: ArrayLike) -> Spread:
    """Split the variance of returns into its sources.

    The return of training i, conversion c and episode e is taken as

        r_ice = mu + A_i + B_ic + E_ice

    with independent effects of variance s_A (training), s_B (conversion) and s_E (episode), each
    nested in the one before. With n trainings, k conversions each and m episodes of each, and
    means over the left-out indices, they are estimated by the unbiased estimators of the analysis
    of variance (S. R. Searle, G. Casella, C. E. McCulloch, "Variance Components", 1992)::

        MS_E = sum (r_ice - r_ic)**2 / (n k (m - 1))        s_E = MS_E
        MS_B = m sum (r_ic - r_i)**2 / (n (k - 1))          s_B = (MS_B - MS_E) / m
        MS_A = m k sum (r_i - r)**2 / (n - 1)               s_A = (MS_A - MS_B) / (m k)

    and 0 where an estimate is negative. With k = 1, s_A holds the conversion's variance as well.
    Episodes count as independent: where all policies play the same seeds, the part of s_E that
    they share makes s_A and s_B too small by at most s_E / m.

    Args:
        returns: (trainings, episodes) or (trainings, conversions, episodes).

    Raises:
        OptionError: They have another shape, there are none, or one is not finite.
    """
    data = np.asarray(returns, dtype=np.float64)
    if data.ndim == 2:
        data = data[:, np.newaxis, :]
    if data.ndim != 3:
        raise OptionError(
            "returns must have the shape (trainings, episodes) or (trainings, conversions, "
            f"episodes), not {data.shape}"
        )
    checked_values(data.ravel())
    return _components(data.mean(axis=2), data.var(axis=2), data.shape[2])


def spread_of_moments(means: ArrayLike, deviations: ArrayLike, *, episodes: int) -> Spread:
    """The same where only means and deviations over episodes are known.

    Args:
        means: (trainings,) mean return of each policy.
        deviations: (trainings,) standard deviation over its episodes, with divisor n.
        episodes: Number of episodes of each policy.

    Raises:
        OptionError: The shapes differ, there are none, or one is not finite.
    """
    centre, deviation = checked_values(means), checked_values(deviations)
    if centre.shape != deviation.shape or episodes < 1:
        raise OptionError(
            f"means {centre.shape} and deviations {deviation.shape} must have the same shape and "
            f"at least 1 episode, not {episodes}"
        )
    return _components(centre[:, np.newaxis], deviation[:, np.newaxis] ** 2, episodes)


def _components(means: NDArray[np.float64], variances: NDArray[np.float64], m: int) -> Spread:
    """From means and variances (divisor m) over episodes, each (trainings, conversions)."""
    n, k = means.shape
    ms_e = variances.mean() * m / (m - 1) if m > 1 else 0.0
    by_training = means.mean(axis=1)
    ms_b = ms_e
    if k > 1:
        ms_b = m * ((means - by_training[:, np.newaxis]) ** 2).sum() / (n * (k - 1))
    ms_a = m * k * by_training.var(ddof=1) if n > 1 else 0.0
    return Spread(
        episodes=_root(ms_e) if m > 1 else None,
        conversion=_root((ms_b - ms_e) / m) if k > 1 else None,
        training=_root((ms_a - ms_b) / (m * k)) if n > 1 else None,
    )


def _root(variance: float) -> float:
    return float(np.sqrt(max(variance, 0.0)))
